//! Settings of the cloud that all its users share.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction};

use super::{Cloud, CloudError};

/// The slowest that the cloud can be made, as a multiple of real durations.
const LATENCY_MAX: f64 = 10.0;

impl Cloud {
    /// Sets how long operations take, as a multiple of what the real clouds take: 0 (the default) is at once, 0.01 makes a
    /// cluster take six seconds. Holds for all users of the cloud from now on.
    ///
    /// Fails when the scale is not between 0 and 10.
    pub fn set_latency(&self, scale: f64) -> Result<(), CloudError> {
        if !(0.0..=LATENCY_MAX).contains(&scale) {
            return Err(CloudError::Invalid(format!("latency must be between 0 and {LATENCY_MAX}, and is {scale}")));
        }
        self.store.write(|tx| {
            tx.execute("INSERT OR REPLACE INTO setting (name, value) VALUES ('latency', ?1)", [scale])?;
            Ok(())
        })
    }

    /// The latency that was set; see [`Cloud::set_latency`].
    pub fn latency(&self) -> Result<f64, CloudError> {
        self.store.read(latency)
    }
}

fn latency(tx: &Transaction<'_>) -> Result<f64, CloudError> {
    let mut statement = tx.prepare_cached("SELECT value FROM setting WHERE name = 'latency'")?;
    let scale: Option<f64> = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(scale.unwrap_or(0.0).clamp(0.0, LATENCY_MAX))
}

/// How long something takes that takes this long in a real cloud.
pub(super) fn scaled(tx: &Transaction<'_>, duration: Duration) -> Result<Duration, CloudError> {
    if duration.is_zero() {
        return Ok(duration);
    }
    Ok(duration.mul_f64(latency(tx)?))
}
