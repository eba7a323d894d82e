//! The settings that are one of a few words.
//!
//! Every choice between the published behaviour and a corrected one is here; the published one is the default.

use super::keys::choice;

choice! {
    /// Which pairs of tokens the causal pass may look at.
    CausalMask {
        /// Published behaviour: a frame's own listener tokens are visible where that frame is predicted (defect 19).
        Published = "published",
        /// Departure: a prediction sees the speaker up to its frame and the listener before it, in training as in
        /// decoding.
        FrameCausal = "frame-causal",
    }
}

choice! {
    /// How long the learning rate keeps its peak.
    Keep {
        /// Published behaviour: `keep_steps` isn't divided by the accumulation count, and the rate jumps at its end
        /// (defect 16).
        Published = "published",
        /// Departure: `keep_steps` is divided too and the cosine starts at the peak, where the keep phase ends.
        Continuous = "continuous",
    }
}

choice! {
    /// How gradients are put together before an update.
    Gradient {
        /// Published behaviour: a sum over micro-batches and losses, clipped at `max_norm` (defect 21).
        Sum = "sum",
        /// Departure: the mean over micro-batches, clipped at `max_norm` divided by their number.
        Mean = "mean",
    }
}

choice! {
    /// What the optimizer knows when finetuning starts.
    OptimizerOnFinetune {
        /// Published behaviour: moments and step counts come from the pretraining (defect 18).
        Inherited = "inherited",
        /// Departure: the optimizer starts anew.
        Fresh = "fresh",
    }
}

choice! {
    /// In which number format matrices are multiplied.
    PrecisionChoice {
        /// Departure: bf16 on a GPU that has it, f32 otherwise.
        Auto = "auto",
        /// 32 bits everywhere.
        F32 = "f32",
        /// 16 bits with the range of f32.
        Bf16 = "bf16",
        /// Published behaviour: 16 bits with a small range, so losses are scaled.
        F16 = "f16",
    }
}

choice! {
    /// Which objectives are trained.
    Mode {
        /// All four: matching with the true and with a fake listener, masked, causal.
        Pretrain = "pretrain",
        /// Without the causal one, from pretrained weights.
        Finetune = "finetune",
    }
}

choice! {
    /// Which frames a pose vector describes.
    PoseWindow {
        /// Published behaviour: the five frames it was computed from, so up to four of them look ahead (defect 29).
        Published = "published",
        /// Departure: with `online_step` below 5, the five frames after those it was computed from; zeros before the
        /// first.
        Finished = "finished",
    }
}

choice! {
    /// Which tokens the offline decoding accepts among equally confident ones.
    Ties {
        /// Published behaviour: none of those at the cut, so rounds may pass without any (defect 26).
        Published = "published",
        /// Departure: the first ones in order, so that each round knows exactly as many tokens as planned.
        Ordered = "ordered",
    }
}

choice! {
    /// How the sampling temperature changes from round to round of the offline decoding.
    TempDecay {
        /// It stays.
        None = "",
        /// After round k of S it is multiplied by 1 - k/S.
        Linear = "linear",
    }
}

choice! {
    /// Which task is predicted.
    Task {
        /// The reaction to a whole clip at once.
        Offline = "offline",
        /// The reaction while the clip goes on.
        Online = "online",
    }
}

choice! {
    /// How valence and arousal become a cell of the token table.
    ValenceArousalCells {
        /// Published behaviour: sums of doubles compared for equality, wrapping below -1, index 0 if unknown
        /// (defect 9).
        Published = "published",
        /// Departure: cell numbers, clamped to [-1, 1]; NaN is refused and the fallback is reported.
        Clamped = "clamped",
    }
}

choice! {
    /// How the voice becomes 26 numbers per frame.
    Filterbank {
        /// Published behaviour: both channels read as one signal, 512-point FFT on a 40 ms window (defects 7 and 8).
        Published = "published",
        /// Departure: the mean of the channels, 40 ms window and step, 2048-point FFT.
        Mono = "mono",
    }
}

choice! {
    /// How a face at the border of the picture is cut out.
    Crop {
        /// Published behaviour: clipped to the picture and stretched to a square (defect 5).
        Published = "published",
        /// Departure: padded to a square.
        Padded = "padded",
    }
}

choice! {
    /// Which features are computed from a clip.
    Features {
        /// The published networks and dimensions.
        React2023 = "react2023",
        /// Built-in descriptors that need no weights.
        Compact = "compact",
    }
}
