//! Which cores a thread may use. Threads that it starts may use the same ones.

/// This thread runs on one core until this is dropped.
pub(crate) struct Pinned {
    #[cfg(target_os = "linux")]
    before: libc::cpu_set_t,
}

#[cfg(target_os = "linux")]
impl Pinned {
    pub(crate) fn to_one() -> Self {
        // SAFETY: a set of cores is plain bits; the calls get its size, and read or write no more.
        unsafe {
            let mut before: libc::cpu_set_t = std::mem::zeroed();
            libc::sched_getaffinity(0, size_of_val(&before), &raw mut before);
            let first =
                (0..libc::CPU_SETSIZE as usize).find(|&core| libc::CPU_ISSET(core, &before));
            let mut one: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(first.unwrap_or(0), &mut one);
            libc::sched_setaffinity(0, size_of_val(&one), &raw const one);
            Pinned { before }
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Pinned {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { libc::sched_setaffinity(0, size_of_val(&self.before), &raw const self.before) };
    }
}

#[cfg(not(target_os = "linux"))]
impl Pinned {
    /// Not here: the workload then measures what it measures without.
    pub(crate) fn to_one() -> Self {
        eprintln!("threads are pinned on Linux only");
        Pinned {}
    }
}
