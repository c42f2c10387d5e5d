//! How many items are made, started and taken, and what is to be done next: counts, no promises.

/// How many items are made ahead of the inputs that are known to come.
const AHEAD: usize = 1024;
/// The same where it is not known how many there are.
const AHEAD_OF_UNKNOWN: usize = 64;

/// What `Iterator::size_hint` gives: no more than a hint.
pub(super) type Hint = (usize, Option<usize>);

/// The counts.
pub(super) struct Plan {
    /// How many items may be under way, which is at least 1.
    limit: usize,
    /// How many items were made, how many of them have got an input, how many were taken, and how many
    /// whoever acts on them has seen.
    made: usize,
    started: usize,
    taken: usize,
    seen: usize,
    /// How many inputs there were.
    drawn: usize,
    /// The one that is being started has an input, says the iterator.
    promised: bool,
    /// How many that were started have not settled.
    under_way: usize,
    /// How many inputs are left at most, and whether that is exact.
    left: Option<usize>,
    exact: bool,
    /// How many items without an input are made ahead.
    ahead: usize,
    /// Each item is taken soon: no more than twice `limit` are there at a time.
    recycles: bool,
    /// Each item is acted on as it comes, which may end it all: no more than twice `limit` are started that
    /// were not seen.
    watched: bool,
    /// An item has failed, and nobody has said that others are wanted all the same.
    failed: bool,
    carries_on: bool,
    /// A call is queued or runs.
    calling: bool,
    /// Nothing more is started.
    over: bool,
    /// How many items there are, when that is known.
    end: Option<usize>,
}

impl Plan {
    /// Nothing is made yet, and the first calls are about to be made.
    pub(super) fn new(limit: usize, hint: Hint, recycles: bool) -> Self {
        let limit = limit.max(1);
        let unknown = limit.saturating_mul(2).clamp(AHEAD_OF_UNKNOWN, AHEAD);
        let exact = Some(hint.0) == hint.1;
        Plan {
            limit,
            made: 0,
            started: 0,
            taken: 0,
            seen: 0,
            drawn: 0,
            promised: false,
            under_way: 0,
            left: hint.1,
            exact,
            ahead: if exact { AHEAD } else { unknown },
            recycles,
            watched: false,
            failed: false,
            carries_on: false,
            calling: true,
            over: false,
            end: None,
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    fn waiting(&self) -> usize {
        self.made - self.started
    }

    // ── Making items ─────────────────────────────────────────────────────────────────────────

    /// Whether another item is to be made.
    pub(super) fn wants_item(&self) -> bool {
        let full = self.recycles && self.made - self.taken >= self.most();
        // One more than are known to come: only an iterator that has ended has no more.
        let needed = self.left.is_none_or(|left| self.waiting() <= left);
        !self.over && !full && needed && self.waiting() < self.ahead
    }

    /// One was made. Gives its number.
    pub(super) fn make(&mut self) -> usize {
        self.made += 1;
        self.made - 1
    }

    /// How far those that are started may be ahead of whoever takes or sees them.
    fn most(&self) -> usize {
        self.limit.saturating_mul(2)
    }

    fn is_ahead(&self) -> bool {
        let of = if self.recycles { self.taken } else { self.seen };
        (self.recycles || self.watched) && self.started - of >= self.most()
    }

    // ── Starting them ────────────────────────────────────────────────────────────────────────

    /// Whether an item can be started, by whoever makes the calls now.
    pub(super) fn can_start(&self) -> bool {
        !self.over && self.waiting() > 0 && !self.is_ahead()
    }

    /// Whether a call is to be queued; it counts as queued then.
    ///
    /// Behind a failure nothing is started before it is known that whoever takes the items wants the
    /// others all the same.
    pub(super) fn call_if_due(&mut self) -> bool {
        let held = self.failed && !self.carries_on;
        let due = !self.calling && !held && self.under_way < self.limit && self.can_start();
        self.calling |= due;
        due
    }

    /// The call is through.
    pub(super) fn called(&mut self) {
        self.calling = false;
    }

    /// An item is being started. Gives its number.
    pub(super) fn start(&mut self) -> usize {
        self.promised = self.left.is_some_and(|left| left > 0);
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.under_way += 1;
        self.started += 1;
        self.started - 1
    }

    /// There was an input for the one that is being started.
    pub(super) fn drew(&mut self) {
        self.promised = false;
        self.drawn += 1;
    }

    /// One that was started has settled.
    pub(super) fn settled(&mut self, failed: bool) {
        self.under_way -= 1;
        self.failed |= failed;
    }

    // ── What others say ──────────────────────────────────────────────────────────────────────

    /// What the iterator says of the inputs that are left.
    pub(super) fn look_ahead(&mut self, hint: Hint) {
        self.left = hint.1;
        self.exact = Some(hint.0) == hint.1;
    }

    /// A failure does not keep others from being started.
    pub(super) fn carry_on(&mut self) {
        self.carries_on = true;
    }

    /// Whether each item is taken soon.
    pub(super) fn recycles(&self) -> bool {
        self.recycles
    }

    /// Each item is taken soon from now on.
    pub(super) fn recycle(&mut self) {
        self.recycles = true;
    }

    /// Each item is acted on as it comes from now on, also those that have come before.
    pub(super) fn watch(&mut self) {
        self.watched = true;
        self.seen = 0;
    }

    /// Whoever acts on the items has seen one.
    pub(super) fn see(&mut self) {
        self.seen += usize::from(self.watched);
    }

    /// An item was taken.
    pub(super) fn take(&mut self) {
        self.taken += 1;
    }

    // ── The end ──────────────────────────────────────────────────────────────────────────────

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Nothing more is started. `end`: so many items there are at most.
    pub(super) fn finish(&mut self, end: Option<usize>) {
        self.over = true;
        self.end = self.end.into_iter().chain(end).min();
    }

    /// Nothing more is started. Where it is known how many items there were to be, those that were
    /// not started count: they are abandoned. Else they do not.
    pub(super) fn halt(&mut self) {
        let end = self.expected().map_or(self.started, |expected| expected.min(self.made));
        self.finish(Some(end));
    }

    /// Whether there is an input for the item with this number, as far as that is known.
    pub(super) fn counts(&self, number: usize) -> bool {
        self.end.is_none_or(|end| number < end)
    }

    /// How many items there are to be, if the iterator says so.
    fn expected(&self) -> Option<usize> {
        let left = self.left.filter(|_| self.exact && !self.over)?;
        Some((self.drawn + usize::from(self.promised)).saturating_add(left))
    }

    /// How many items were made in vain.
    pub(super) fn surplus(&self) -> usize {
        let end = self.end.or(self.expected());
        end.map_or(0, |end| self.made.saturating_sub(end))
    }

    /// How many items are known to be made yet.
    pub(super) fn missing(&self) -> usize {
        self.expected().map_or(0, |expected| expected.saturating_sub(self.made))
    }

    /// How many items there are, as far as that is known.
    pub(super) fn known(&self) -> usize {
        self.end.or(self.expected()).unwrap_or(self.drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes all items that are wanted, and says how many.
    fn fill(plan: &mut Plan) -> usize {
        (0..).take_while(|_| plan.wants_item() && plan.make() < usize::MAX).count()
    }

    fn begun(limit: usize, hint: Hint) -> Plan {
        let mut plan = Plan::new(limit, hint, false);
        fill(&mut plan);
        for _ in 0..limit {
            plan.start();
            plan.drew();
        }
        plan.called();
        plan
    }

    #[test]
    fn as_many_are_made_as_there_are_or_may_be() {
        for (hint, made) in [
            ((3, Some(3)), 4),
            ((5000, Some(5000)), AHEAD),
            ((0, Some(3)), 4),
            ((0, Some(0)), 1),
            ((usize::MAX, Some(usize::MAX)), AHEAD),
            ((0, None), AHEAD_OF_UNKNOWN),
            ((usize::MAX, None), AHEAD_OF_UNKNOWN),
        ] {
            assert_eq!(fill(&mut Plan::new(2, hint, false)), made, "{hint:?}");
            assert_eq!(fill(&mut Plan::new(2, hint, true)), made.min(4), "{hint:?}");
        }
        assert_eq!(fill(&mut Plan::new(usize::MAX, (0, None), true)), AHEAD);
    }

    #[test]
    fn what_an_iterator_says_of_itself_is_counted_once() {
        let mut plan = Plan::new(2, (3, Some(3)), false);
        assert_eq!((fill(&mut plan), plan.known(), plan.surplus(), plan.missing()), (4, 3, 1, 0));
        for left in [2, 1, 0] {
            plan.start();
            assert_eq!((plan.known(), plan.surplus()), (3, 1), "it is being drawn");
            plan.drew();
            plan.look_ahead((left, Some(left)));
            assert_eq!((plan.known(), plan.surplus()), (3, 1));
        }
        plan.start();
        assert_eq!((plan.known(), plan.surplus()), (3, 1), "that there is no more is looked for");
        plan.finish(Some(3));
        assert_eq!((plan.known(), plan.surplus()), (3, 1));
        let mut huge = Plan::new(2, (usize::MAX, Some(usize::MAX)), false);
        fill(&mut huge);
        huge.start();
        huge.drew();
        assert_eq!((huge.known(), huge.surplus()), (usize::MAX, 0));
        huge.halt();
        assert_eq!((huge.known(), huge.surplus(), huge.missing()), (AHEAD, 0, 0));
    }

    #[test]
    fn as_long_as_there_may_be_more_one_is_waiting() {
        let mut plan = Plan::new(1, (0, None), false);
        for _ in 0..500 {
            fill(&mut plan);
            assert!(plan.can_start());
            plan.start();
            plan.settled(false);
        }
        assert_eq!(plan.started, 500);
    }

    #[test]
    fn a_call_is_due_once_when_one_has_settled() {
        let mut plan = begun(2, (9, Some(9)));
        assert!(!plan.call_if_due(), "two are under way");
        plan.settled(false);
        assert!(plan.call_if_due() && !plan.call_if_due());
        assert_eq!(plan.start(), 2);
        plan.called();
        assert!(!plan.call_if_due());
    }

    #[test]
    fn behind_a_failure_nothing_is_due_until_somebody_says_so() {
        let mut plan = begun(2, (9, Some(9)));
        plan.settled(true);
        plan.settled(false);
        assert!(!plan.call_if_due());
        plan.carry_on();
        assert!(plan.call_if_due());
    }

    #[test]
    fn who_takes_slowly_holds_them_back() {
        let mut plan = begun(2, (usize::MAX, None));
        plan.recycle();
        for _ in 0..2 {
            plan.settled(false);
            assert!(plan.call_if_due());
            plan.start();
            plan.called();
        }
        plan.settled(false);
        assert!(!plan.call_if_due(), "twice the limit, and none of them taken");
        plan.take();
        assert!(plan.call_if_due());
    }

    #[test]
    fn who_looks_slowly_holds_them_back() {
        let mut plan = begun(2, (usize::MAX, None));
        plan.watch();
        for _ in 0..2 {
            plan.settled(false);
            assert!(plan.call_if_due());
            plan.start();
            plan.called();
        }
        plan.settled(false);
        assert!(!plan.call_if_due(), "twice the limit, and none of them seen");
        plan.see();
        assert!(plan.call_if_due());
    }

    #[test]
    fn what_was_made_in_vain_does_not_count() {
        let mut plan = begun(2, (0, None));
        plan.start();
        assert_eq!((plan.surplus(), plan.missing(), plan.known()), (0, 0, 2), "one is looked for");
        plan.finish(Some(2));
        assert_eq!((plan.surplus(), plan.known()), (AHEAD_OF_UNKNOWN - 2, 2));
        assert!(plan.counts(1) && !plan.counts(2) && !plan.can_start() && !plan.wants_item());
    }

    #[test]
    fn what_is_halted_counts_where_its_number_is_known() {
        let mut exact = begun(2, (9, Some(9)));
        exact.halt();
        assert!(exact.counts(8) && exact.is_over());
        assert_eq!((exact.surplus(), exact.known()), (1, 9));
        let mut unknown = begun(2, (0, Some(9)));
        unknown.halt();
        assert!(unknown.counts(1) && !unknown.counts(2));
        unknown.finish(Some(1));
        assert!(!unknown.counts(1), "the one that was being started had no input");
    }
}
