//! Incidents, each once, however often and in whatever order they are reported.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::Incident;

/// Incidents of one account and Region, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archive {
    by_identity: BTreeMap<String, Incident>,
}

impl Archive {
    /// Adds a report. Of two reports about the same task, the one with the higher version counts.
    pub fn add(&mut self, incident: Incident) {
        let identity = incident.identity();
        let known = self.by_identity.get(&identity);
        // Equal versions are the same event; which of them is kept must not depend on the order.
        let is_newer = known.is_none_or(|known| order(&incident) > order(known));
        if is_newer {
            self.by_identity.insert(identity, incident);
        }
    }

    /// The incidents, oldest first.
    pub fn incidents(&self) -> Vec<&Incident> {
        let mut incidents: Vec<&Incident> = self.by_identity.values().collect();
        incidents.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.of.cmp(&b.of)));
        incidents
    }

    /// The incidents themselves, in no particular order.
    pub fn into_incidents(self) -> impl Iterator<Item = Incident> {
        self.by_identity.into_values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_identity.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_identity.is_empty()
    }

    /// Incidents as a batch for the table: JSON lines, compressed.
    pub fn pack(incidents: &[Incident]) -> io::Result<Vec<u8>> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        for incident in incidents {
            serde_json::to_writer(&mut gzip, incident)?;
            gzip.write_all(b"\n")?;
        }
        gzip.finish()
    }

    /// Adds a batch that [`Self::pack`] made. Fails without adding anything if it is damaged.
    pub fn unpack(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut text = String::new();
        MultiGzDecoder::new(bytes).read_to_string(&mut text)?;
        let incidents = text.lines().map(serde_json::from_str).collect::<Result<Vec<Incident>, _>>()?;
        incidents.into_iter().for_each(|incident| self.add(incident));
        Ok(())
    }
}

fn order(incident: &Incident) -> (u64, Timestamp, String) {
    let text = serde_json::to_string(incident).unwrap_or_default();
    (incident.version(), incident.at, text)
}

impl Extend<Incident> for Archive {
    fn extend<T: IntoIterator<Item = Incident>>(&mut self, incidents: T) {
        incidents.into_iter().for_each(|incident| self.add(incident));
    }
}
