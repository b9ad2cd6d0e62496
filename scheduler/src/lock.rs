//! One scheduler per output folder. The kernel drops the lock with the process, however it ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use plan::exit::{Code, Failure};

/// Held for as long as the scheduler may write.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// Makes `folder` if need be and locks it.
pub(crate) fn take(folder: &Path) -> Result<Lock, Failure> {
    store::durable::create_folders(folder)?;
    let path = folder.join(".attrisweep.lock");
    let failed = |error: std::io::Error| Failure {
        code: Code::Storage,
        text: format!("the output folder `{}` cannot be written: {error}", folder.display()),
    };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Failure {
            code: Code::Storage,
            text: format!("another scheduler is writing to `{}`", folder.display()),
        }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
