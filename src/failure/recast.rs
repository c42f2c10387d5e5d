//! A value whose type is known to be another one.

use std::any::Any;

/// Gives the value back as a `B` where `A` and `B` are the same type: the choice by type that
/// generic code has without specialisation. The compiler decides it once for each `A`.
pub(super) fn recast<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let mut slot = Some(value);
    let any: &mut dyn Any = &mut slot;
    match any.downcast_mut::<Option<B>>().and_then(Option::take) {
        Some(value) => Ok(value),
        None => Err(slot.expect("only a `B` is taken out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recast_moves_only_the_same_type() {
        assert_eq!(recast::<u8, u8>(7), Ok(7));
        assert_eq!(recast::<u8, i8>(7), Err(7));
    }
}
