//! From a connection to a part: it is read here, and written on the pool at the same time.

use bytes::Bytes;

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
    let mut disk = Disk { pool, idle: Some(part), busy: None, batch: Vec::new() };
    let end = loop {
        match disk.piece(head, left).await? {
            None => {} // something was written
            Some(Ok(Some(piece))) => {
                left -= piece.len() as u64;
                disk.batch.extend_from_slice(&piece);
            }
            Some(Ok(None)) => break Ok(()),
            Some(Err(error)) => break Err(error),
        }
    };
    Ok((disk.finish().await?, end))
}

/// Has a part, or a job that has it and writes.
struct Disk<'a> {
    pool: &'a Pool,
    idle: Option<Part>,
    busy: Option<Promise<Part>>,
    /// Is to be written.
    batch: Vec<u8>,
}

impl Disk<'_> {
    /// The next piece of the body; `None`: a batch was written before it came.
    async fn piece(
        &mut self,
        head: &mut Head,
        left: u64,
    ) -> Result<Option<Result<Option<Bytes>, Error>>, Failure> {
        self.write();
        let Some(writing) = &mut self.busy else { return Ok(Some(head.piece(left).await)) };
        let done = if self.batch.len() >= MOST {
            First::That(writing.await)
        } else {
            first(head.piece(left), writing).await
        };
        match done {
            First::This(piece) => Ok(Some(piece)),
            First::That(part) => {
                (self.idle, self.busy) = (Some(part?), None);
                Ok(None)
            }
        }
    }

    /// Has written what is there, if nothing is being written.
    fn write(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if let Some(part) = self.idle.take() {
            self.busy = Some(written(self.pool, part, std::mem::take(&mut self.batch)));
        }
    }

    /// Has written all.
    async fn finish(mut self) -> Result<Part, Failure> {
        loop {
            self.write();
            match (self.idle.take(), self.busy.take()) {
                (Some(part), _) => return Ok(part),
                (None, writing) => {
                    let writing = writing.expect("it is the one or the other");
                    self.idle = Some(writing.await?);
                }
            }
        }
    }
}

fn written(pool: &Pool, mut part: Part, batch: Vec<u8>) -> Promise<Part> {
    pool.spawn(move || {
        part.write(&batch)?;
        Ok::<_, AnyError>(part)
    })
}
