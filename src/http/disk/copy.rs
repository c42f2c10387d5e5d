//! From a connection to a part: it is read here, and written on the pool at the same time.

use super::part::Part;
use crate::http::Error;
use crate::http::engine::Head;
use crate::http::waiting::{First, first};
use crate::{AnyError, Failure, Pool, Promise};

/// With so much read that is not written, no more is.
const MOST: usize = 512 * 1024;

/// Writes a body behind what is in the part, to at most `left` bytes more. Also where it breaks off, all of it
/// that came is in the part.
pub(super) async fn copied(
    head: &mut Head,
    part: Part,
    pool: &Pool,
    mut left: u64,
) -> Result<(Part, Result<(), Error>), Failure> {
    let mut batch = Vec::new();
    let (mut idle, mut busy) = (Some(part), None::<Promise<Part>>);
    let end = loop {
        if !batch.is_empty() {
            if let Some(part) = idle.take() {
                busy = Some(written(pool, part, std::mem::take(&mut batch)));
            }
        }
        let piece = match &mut busy {
            None => head.piece(left).await,
            Some(writing) => {
                let done = if batch.len() >= MOST {
                    First::That(writing.await)
                } else {
                    first(head.piece(left), writing).await
                };
                match done {
                    First::This(piece) => piece,
                    First::That(part) => {
                        (idle, busy) = (Some(part?), None);
                        continue;
                    }
                }
            }
        };
        match piece {
            Ok(Some(piece)) => {
                left -= piece.len() as u64;
                batch.extend_from_slice(&piece);
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let mut part = match (idle, busy) {
        (Some(part), _) => part,
        (None, busy) => busy.expect("it is the one or the other").await?,
    };
    if !batch.is_empty() {
        part = written(pool, part, batch).await?;
    }
    Ok((part, end))
}

fn written(pool: &Pool, mut part: Part, batch: Vec<u8>) -> Promise<Part> {
    pool.spawn(move || {
        part.write(&batch)?;
        Ok::<_, AnyError>(part)
    })
}
