//! `Arc` and `Weak` without fences: who gives up the last count acquires in the same step.

use std::alloc::{Layout, dealloc};
use std::fmt;
use std::marker::{PhantomData, Unsize};
use std::mem::ManuallyDrop;
use std::ops::{CoerceUnsized, Deref, DispatchFromDyn, LegacyReceiver};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

#[repr(C)]
struct Inner<T: ?Sized> {
    strong: AtomicUsize,
    /// One more, as long as there are strong ones.
    weak: AtomicUsize,
    data: T,
}

/// A counted reference.
pub(crate) struct Arc<T: ?Sized>(NonNull<Inner<T>>, PhantomData<Inner<T>>);

/// One that does not keep what it refers to.
pub(crate) struct Weak<T: ?Sized>(NonNull<Inner<T>>);

// SAFETY: as the standard library's.
unsafe impl<T: ?Sized + Send + Sync> Send for Arc<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync> Sync for Arc<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync> Send for Weak<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync> Sync for Weak<T> {}

impl<T: ?Sized + Unsize<U>, U: ?Sized> CoerceUnsized<Arc<U>> for Arc<T> {}
impl<T: ?Sized> Unpin for Arc<T> {}
impl<T: ?Sized> Unpin for Weak<T> {}
impl<T: ?Sized> LegacyReceiver for Arc<T> {}
impl<T: ?Sized + Unsize<U>, U: ?Sized> DispatchFromDyn<Arc<U>> for Arc<T> {}
impl<T: ?Sized + Unsize<U>, U: ?Sized> CoerceUnsized<Weak<U>> for Weak<T> {}

impl<T> Arc<T> {
    pub(crate) fn new(data: T) -> Self {
        let inner = Inner { strong: AtomicUsize::new(1), weak: AtomicUsize::new(1), data };
        Arc(NonNull::from(Box::leak(Box::new(inner))), PhantomData)
    }

    pub(crate) fn new_cyclic(make: impl FnOnce(&Weak<T>) -> T) -> Self {
        let (strong, weak) = (AtomicUsize::new(0), AtomicUsize::new(1));
        let empty = Inner { strong, weak, data: std::mem::MaybeUninit::<T>::uninit() };
        let place: NonNull<Inner<T>> = NonNull::from(Box::leak(Box::new(empty))).cast();
        let weak = Weak(place);
        let data = make(&weak);
        // SAFETY: nobody reads the data before there is a strong reference.
        unsafe {
            (&raw mut (*place.as_ptr()).data).write(data);
            place.as_ref().strong.store(1, Ordering::Release);
        }
        std::mem::forget(weak); // it is the one that the strong ones have
        Arc(place, PhantomData)
    }

    pub(crate) fn try_unwrap(this: Self) -> Result<T, Self> {
        let one = this.inner().strong.compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed);
        if one.is_err() {
            return Err(this);
        }
        let this = ManuallyDrop::new(this);
        // SAFETY: there is no other strong reference any more; the data is taken once.
        let data = unsafe { ptr::read(&this.0.as_ref().data) };
        drop(Weak(this.0));
        Ok(data)
    }

    pub(crate) fn into_raw(this: Self) -> *const T {
        Self::as_ptr(&ManuallyDrop::new(this))
    }

    /// # Safety
    /// The pointer is from `into_raw`, and gives its count.
    pub(crate) unsafe fn from_raw(data: *const T) -> Self {
        let offset = std::mem::offset_of!(Inner<T>, data);
        let inner = data.cast::<u8>().wrapping_sub(offset).cast_mut().cast();
        // SAFETY: the caller's promise.
        Arc(unsafe { NonNull::new_unchecked(inner) }, PhantomData)
    }

    /// # Safety
    /// The pointer is from `into_raw`, and there is a count.
    pub(crate) unsafe fn increment_strong_count(data: *const T) {
        // SAFETY: the caller's promise.
        let this = ManuallyDrop::new(unsafe { Self::from_raw(data) });
        std::mem::forget(Arc::clone(&this));
    }
}

impl<T: ?Sized> Arc<T> {
    fn inner(&self) -> &Inner<T> {
        // SAFETY: it lives as long as there is a count.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn as_ptr(this: &Self) -> *const T {
        // SAFETY: it is allocated.
        unsafe { &raw const (*this.0.as_ptr()).data }
    }

    pub(crate) fn ptr_eq(this: &Self, other: &Self) -> bool {
        ptr::addr_eq(this.0.as_ptr(), other.0.as_ptr())
    }

    pub(crate) fn downgrade(this: &Self) -> Weak<T> {
        this.inner().weak.fetch_add(1, Ordering::AcqRel);
        Weak(this.0)
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    fn clone(&self) -> Self {
        self.inner().strong.fetch_add(1, Ordering::AcqRel);
        Arc(self.0, PhantomData)
    }
}

impl<T: ?Sized> Drop for Arc<T> {
    fn drop(&mut self) {
        if self.inner().strong.fetch_sub(1, Ordering::AcqRel) == 1 {
            let weak = Weak(self.0);
            // SAFETY: the last strong reference is gone, and the data is dropped once.
            unsafe { ptr::drop_in_place(&raw mut (*self.0.as_ptr()).data) };
            drop(weak);
        }
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner().data
    }
}

impl<T: ?Sized> Weak<T> {
    /// The counts, which live as long as there is any.
    fn counts(&self) -> (&AtomicUsize, &AtomicUsize) {
        let inner = self.0.as_ptr();
        // SAFETY: allocated, and only the data may be gone.
        unsafe { (&(*inner).strong, &(*inner).weak) }
    }

    pub(crate) fn strong_count(&self) -> usize {
        self.counts().0.load(Ordering::Acquire)
    }

    pub(crate) fn upgrade(&self) -> Option<Arc<T>> {
        let more = |count| if count == 0 { None } else { Some(count + 1) };
        let strong = self.counts().0;
        strong.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Arc(self.0, PhantomData))
    }
}

impl<T: ?Sized> Clone for Weak<T> {
    fn clone(&self) -> Self {
        self.counts().1.fetch_add(1, Ordering::AcqRel);
        Weak(self.0)
    }
}

impl<T: ?Sized> Drop for Weak<T> {
    fn drop(&mut self) {
        if self.counts().1.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: the last count of any kind is gone; the layout is that of the value that was there.
            unsafe {
                let layout = Layout::for_value(self.0.as_ref());
                dealloc(self.0.as_ptr().cast(), layout);
            }
        }
    }
}

impl<T: Default> Default for Arc<T> {
    fn default() -> Self {
        Arc::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Arc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized> fmt::Debug for Weak<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(Weak)")
    }
}
