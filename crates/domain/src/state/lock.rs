//! Who holds a state: Terraform's lock info, as the JSON that it stores (`.terraform.tfstate.lock.info`, `KEY.tflock`) and as the text that
//! it prints when a lock is held (source: `internal/states/statemgr/locker.go`; the same from 1.0 on, and in `OpenTofu`).

use serde::Deserialize;

use crate::run::Moment;

/// Who holds a lock, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LockInfo {
    /// What `terraform force-unlock` asks for.
    #[serde(rename = "ID")]
    pub id: String,
    /// What is being done: `OperationTypeApply`.
    #[serde(default)]
    pub operation: String,
    /// Who does it: `user@host`.
    #[serde(default)]
    pub who: String,
    /// Terraform's version.
    #[serde(default)]
    pub version: String,
    /// When it began, as Terraform writes it.
    #[serde(default)]
    pub created: String,
    /// Which state.
    #[serde(default)]
    pub path: String,
    /// More about it.
    #[serde(default)]
    pub info: String,
}

/// A text is no lock info.
#[derive(Debug, thiserror::Error)]
pub enum LockInfoError {
    /// Not the JSON that is expected.
    #[error("the lock info cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It does not say which lock it is of.
    #[error("the lock info has no id")]
    NoId,
}

/// What Terraform calls it, where it tells of it.
const HEADING: &str = "Lock Info:";
/// What stands before the id of the lock that is held, where the lock info is another's.
const HELD_ID: &str = "already locked: ID=";

impl LockInfo {
    /// Reads the JSON that is stored with a lock.
    pub fn from_json(bytes: &[u8]) -> Result<Self, LockInfoError> {
        let info: Self = serde_json::from_slice(bytes)?;
        if info.id.is_empty() { Err(LockInfoError::NoId) } else { Ok(info) }
    }

    /// Finds the lock info in what Terraform says: an error's detail, or its whole output, with the frame around it that it draws on
    /// terminals. `None` where it tells of no lock.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(|line| line.trim_start_matches(['│', '╷', '╵']).trim());
        lines.find(|line| *line == HEADING)?;
        let mut info = Self {
            id: String::new(),
            operation: String::new(),
            who: String::new(),
            version: String::new(),
            created: String::new(),
            path: String::new(),
            info: String::new(),
        };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { break };
            let field = match name {
                "ID" => &mut info.id,
                "Operation" => &mut info.operation,
                "Who" => &mut info.who,
                "Version" => &mut info.version,
                "Created" => &mut info.created,
                "Path" => &mut info.path,
                "Info" => &mut info.info,
                _ => break,
            };
            value.trim().clone_into(field);
        }
        (!info.id.is_empty()).then_some(info)
    }

    /// What is known of the lock's holder. Some of Terraform's backends (`http` and `pg` in 1.11) tell of the lock that they could not take in
    /// place of the one that is held: it is dated after `began`, when Terraform was started. Then only the held lock's id can be known, where
    /// `text` has it, and nobody is taken for its holder.
    #[must_use]
    pub fn of_holder(self, text: &str, began: Moment) -> Self {
        if self.created_at().is_none_or(|created| created < began) {
            return self;
        }
        let held = text.lines().find_map(|line| line.split_once(HELD_ID)).map_or("", |(_, id)| id.trim());
        let unknown = String::new;
        Self { id: held.to_owned(), operation: unknown(), who: unknown(), created: unknown(), ..self }
    }

    /// When it was taken; `None` where that is not written as Terraform writes it (`2026-11-24T19:05:10.351015205Z` in JSON, `2026-11-24
    /// 19:05:10.351015205 +0000 UTC` in texts).
    pub fn created_at(&self) -> Option<Moment> {
        let (date, rest) = self.created.split_at_checked(10)?;
        let time = rest.strip_prefix(['T', ' '])?;
        let end = time.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))).unwrap_or(time.len());
        let (time, zone) = time.split_at(end);
        if !matches!(zone, "Z" | " +0000 UTC" | "+00:00") {
            return None;
        }
        let days = days_since_1970(date)?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        Some(Moment((days * 86_400 + seconds_of_day(time)?) * 1000 + millis))
    }
}

fn seconds_of_day(time: &str) -> Option<i64> {
    let [hours, minutes, seconds] = numbers(time, ':')?;
    let is_time = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..=60).contains(&seconds);
    is_time.then_some(hours * 3600 + minutes * 60 + seconds)
}

/// The days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
/// `days_from_civil`).
fn days_since_1970(date: &str) -> Option<i64> {
    let [year, month, day] = numbers(date, '-')?;
    if !((1..=12).contains(&month) && (1..=31).contains(&day)) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let numbers: Vec<i64> = text.split(between).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Terraform 1.11.4 has written it beside a local state.
    const JSON: &str = r#"{"ID":"d2b5e93f-1774-2dfd-b6a5-d15414114d40","Operation":"OperationTypeApply","Info":"","Who":"ada@desk","Version":"1.11.4","Created":"2026-11-24T19:05:10.351015205Z","Path":"terraform.tfstate"}"#;
    /// As `terraform plan -json` has told of it in its diagnostic's detail.
    const DETAIL: &str = "Error message: resource temporarily unavailable\nLock Info:\n  ID:        d2b5e93f-1774-2dfd-b6a5-d15414114d40\n  Path:      terraform.tfstate\n  Operation: OperationTypeApply\n  Who:       ada@desk\n  Version:   1.11.4\n  Created:   2026-11-24 19:05:10.351015205 +0000 UTC\n  Info:      \n\n\nTerraform acquires a state lock to protect the state from being written\nby multiple users at the same time. Please resolve the issue above and try\nagain. For most commands, you can disable locking with the \"-lock=false\"\nflag, but this is not recommended.";
    /// As `OpenTofu` prints it on a terminal, of a state in S3.
    const FRAMED: &str = "\
╷
│ Error: Error acquiring the state lock
│ 
│ Error message: operation error S3: PutObject, https response error StatusCode:
│ 412, api error PreconditionFailed: At least one of the pre-conditions you
│ specified did not hold
│ Lock Info:
│   ID:        54df8a1c-7e2f-42f3-9f5a-0b1f6cbb8b65
│   Path:      states/dev/network.tfstate
│   Operation: OperationTypePlan
│   Who:       ci: runner@build:7
│   Version:   1.9.0
│   Created:   2025-02-28 23:59:59 +0000 UTC
│   Info:      
│ 
│ 
│ OpenTofu acquires a state lock to protect the state from being written
│ by multiple users at the same time.
╵
";

    #[test]
    fn json_and_text_say_the_same() {
        let json = LockInfo::from_json(JSON.as_bytes()).unwrap();
        let text = LockInfo::from_text(DETAIL).unwrap();
        assert_eq!(json.created_at(), Some(Moment(1_795_547_110_351)));
        assert_eq!(text.created_at(), json.created_at());
        assert_eq!(LockInfo { created: json.created.clone(), ..text }, json);
        assert_eq!((json.who.as_str(), json.operation.as_str()), ("ada@desk", "OperationTypeApply"));
    }

    #[test]
    fn the_frame_of_a_terminal_is_passed_over() {
        let info = LockInfo::from_text(FRAMED).unwrap();
        assert_eq!(
            (info.id.as_str(), info.path.as_str()),
            ("54df8a1c-7e2f-42f3-9f5a-0b1f6cbb8b65", "states/dev/network.tfstate")
        );
        assert_eq!((info.who.as_str(), info.info.as_str()), ("ci: runner@build:7", ""));
        assert_eq!(info.created_at(), Some(Moment(1_740_787_199_000)));
    }

    #[test]
    fn who_could_not_lock_is_not_taken_for_the_holder() {
        // As Terraform 1.11.4 tells of a lock in its `http` backend.
        let http =
            DETAIL.replace("resource temporarily unavailable", "HTTP remote state already locked: ID=held-by-bob");
        let of = |text: &str, began: i64| LockInfo::from_text(text).unwrap().of_holder(text, Moment(began));
        let held = of(&http, 1_795_547_110_351);
        assert_eq!((held.id.as_str(), held.who.as_str(), held.created_at()), ("held-by-bob", "", None));
        assert_eq!(of(DETAIL, 1_795_547_110_352).who, "ada@desk");
        assert_eq!((of(DETAIL, 0).id.as_str(), of(DETAIL, 0).who.as_str()), ("", ""));
    }

    #[test]
    fn what_is_no_lock_info_is_none() {
        for text in ["", "Lock Info:", "Lock Info:\n  Path: x\n", "Error: no lock", "Lock Info:\n\n  ID: late\n"] {
            assert_eq!(LockInfo::from_text(text), None, "{text}");
        }
        assert!(LockInfo::from_json(b"").is_err());
        assert!(LockInfo::from_json(b"{\"ID\":").is_err());
        assert!(matches!(LockInfo::from_json(b"{\"ID\":\"\"}"), Err(LockInfoError::NoId)));
        assert_eq!(LockInfo::from_json(b"{\"ID\":\"x\",\"New\":1}").unwrap().id, "x");
    }

    #[test]
    fn moments_are_read() {
        let moment = |created: &str| {
            let info = LockInfo { created: created.to_owned(), ..LockInfo::from_json(JSON.as_bytes()).unwrap() };
            info.created_at().map(|moment| moment.0)
        };
        assert_eq!(moment("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(moment("1969-12-31T23:59:59.9Z"), Some(-100));
        assert_eq!(moment("2024-02-29T12:00:00+00:00"), Some(1_709_208_000_000));
        assert_eq!(moment("2000-03-01 00:00:00 +0000 UTC"), Some(951_868_800_000));
        for wrong in ["", "yesterday", "2024-02-29", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00+02:00", "éééééééééé"]
        {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
