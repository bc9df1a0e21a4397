//! The forms that methods come in: each update, and again extrapolated where it can be.

use orthant::{Loss, Method, Update};

/// An update, extrapolated or not.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The update.
    pub update: Update,
    /// Whether it is extrapolated.
    pub extrapolated: bool,
}

const fn plain(update: Update) -> Form {
    Form { update, extrapolated: false }
}

const fn extrapolated(update: Update) -> Form {
    Form { update, extrapolated: true }
}

/// All of them.
pub const FORMS: [Form; 14] = [
    plain(Update::Auto),
    extrapolated(Update::Hals),
    plain(Update::Hals),
    plain(Update::Cd),
    extrapolated(Update::Newton),
    plain(Update::Newton),
    extrapolated(Update::Mm),
    extrapolated(Update::JointMm),
    plain(Update::JointMm),
    plain(Update::Mu),
    plain(Update::Mm),
    plain(Update::Als),
    plain(Update::Anls),
    plain(Update::ProjectedGradient),
];

impl Form {
    /// The method for a loss, whether it goes with that or not.
    pub fn of(self, loss: Loss) -> Method {
        let method = Method::new(loss, self.update);
        if self.extrapolated { method.extrapolated() } else { method }
    }

    /// The methods for those of the losses that it goes with.
    pub fn methods(self, losses: &[Loss]) -> Vec<Method> {
        losses.iter().map(|&loss| self.of(loss)).filter(|method| method.check().is_ok()).collect()
    }
}

/// Every method for these losses.
pub fn methods(losses: &[Loss]) -> Vec<Method> {
    FORMS.into_iter().flat_map(|form| form.methods(losses)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_update_is_there_and_again_where_it_can_be_extrapolated() {
        let losses = [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito];
        let mut expected = 0;
        for &update in Update::ALL {
            expected += 1;
            let extrapolates = losses.iter().any(|&loss| update.extrapolates(loss));
            expected += usize::from(extrapolates && update != Update::Auto);
        }
        assert_eq!(FORMS.len(), expected);
        assert!(Update::ALL.iter().all(|&update| FORMS.iter().any(|form| form.update == update)));
        assert!(FORMS.into_iter().all(|form| !form.methods(&losses).is_empty()));
    }
}
