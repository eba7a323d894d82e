//! A limiter that leaves small values alone and bends large ones to a bound.
//!
//! In:  a value, the limit of the untouched range, and how much may be exceeded.
//! Out: the value within ±limit, otherwise one that approaches ±(limit + excess).
//! Formula: limit + excess · tanh((√(value - limit + 1) - 1) / (excess / 2)), and its mirror image below.
//! Source: `compare2016.md`, section 1, RatioLimit; f32 but for what stands under the root, root, quotient
//! and exponential.

/// Beyond this the exponential of the logistic function leaves f32.
const LARGEST_EXPONENT: f64 = 88.722_839_111_673; // ln(3.4028235e38)

/// `value`, bent so that it stays within ±(`limit` + `excess`).
pub(super) fn ratio_limit(value: f32, limit: f32, excess: f32) -> f32 {
    let bend = |beyond: f32| ((f64::from(beyond) + 1.0).sqrt() - 1.0) / f64::from(excess / 2.0);
    if value > limit {
        limit + excess * tanh(bend(value - limit) as f32)
    } else if value < -limit {
        -limit + excess * tanh(-bend(-(value + limit)) as f32)
    } else {
        value
    }
}

/// The hyperbolic tangent by the logistic function.
fn tanh(value: f32) -> f32 {
    2.0 * logistic(2.0 * value) - 1.0
}

fn logistic(value: f32) -> f32 {
    let value = f64::from(value);
    if value > LARGEST_EXPONENT {
        1.0
    } else if value < -LARGEST_EXPONENT {
        0.0
    } else {
        (1.0 / (1.0 + (-value).exp())) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_within_the_limit_are_untouched() {
        for value in [-10.0, -0.3, 0.0, 9.999, 10.0] {
            assert_eq!(ratio_limit(value, 10.0, 10.0), value);
        }
    }

    #[test]
    fn larger_values_are_bent_towards_limit_and_excess() {
        // 13 is 3 above 10: (√4 - 1)/5 = 0.2, tanh 0.2 = 0.197375.
        assert!((ratio_limit(13.0, 10.0, 10.0) - 11.97375).abs() < 1e-4);
        assert!((ratio_limit(-13.0, 10.0, 10.0) + 11.97375).abs() < 1e-4);
        assert_eq!(ratio_limit(f32::MAX, 10.0, 10.0), 20.0);
        assert_eq!(ratio_limit(f32::MIN, 10.0, 10.0), -20.0);
    }

    #[test]
    fn little_beyond_a_small_limit_is_not_lost_beside_one() {
        // 1e-5 beyond 1e-4: 0.0101 · tanh(5e-6/0.00505) = 0.99998e-5.
        assert!((ratio_limit(1.1e-4, 1e-4, 0.0101) - 1.1e-4).abs() < 4e-9);
    }

    #[test]
    fn nothing_may_pass_a_limiter_of_zero() {
        assert!(ratio_limit(1.0, 0.0, 0.01) <= 0.01);
        assert!(ratio_limit(f32::NAN, 10.0, 10.0).is_nan());
    }
}
