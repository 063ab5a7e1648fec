//! Measurements of one thing, and what is said about them.

/// Measurements of one thing, in any unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        let place = self.0.partition_point(|other| *other < sample);
        self.0.insert(place, sample);
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    pub(crate) fn min(&self) -> f64 {
        self.percentile(0)
    }

    /// The sample that so many in a hundred are below; not a number without samples.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last * percent).div_ceil(100)).copied().unwrap_or(f64::NAN)
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_whatever_order_they_came_in() {
        let mut samples = Samples::default();
        for sample in [5.0, 1.0, 4.0, 2.0, 3.0] {
            samples.push(sample);
        }
        let asked = [0, 50, 90, 100].map(|percent| samples.percentile(percent));
        assert_eq!(asked, [1.0, 3.0, 5.0, 5.0]);
        let gathered = Samples::from_iter([3.0, 1.0, 2.0]);
        assert_eq!([0, 50, 100].map(|percent| gathered.percentile(percent)), [1.0, 2.0, 3.0]);
        assert!(Samples::default().median().is_nan());
    }
}
