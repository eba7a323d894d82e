//! Names of parameters: ours say what a thing is, the published ones are the keys of released checkpoints.

/// Parts of a path: ours, published.
const EMBEDDING: [(&str, &str); 21] = [
    ("expression", "s_exp_proj"),
    ("action_units", "s_AU_proj"),
    ("valence_arousal", "s_VA_proj"),
    ("pose", "s_pose_proj"),
    ("filterbank", "s_MFCC_proj"),
    ("functionals", "s_GeMAPfunc_proj"),
    ("descriptors", "s_GeMAPlld_proj"),
    ("listener_action_units", "l_AU_emb"),
    ("listener_expression", "l_exp_emb"),
    ("listener_valence_arousal", "l_VA_emb"),
    ("face_kind", "s_face_me"),
    ("pose_kind", "s_pose_me"),
    ("filterbank_kind", "s_MFCC_me"),
    ("voice_kind", "s_GeMAPS_me"),
    ("listener_action_units_kind", "l_AU_me"),
    ("listener_expression_kind", "l_exp_me"),
    ("listener_valence_arousal_kind", "l_VA_me"),
    ("no_face", "s_no_face"),
    ("masked", "l_mask"),
    ("matching", "token_slm"),
    ("time", "time_emb"),
];

const HEADS: [(&str, &str); 4] =
    [("matching", "head_slm"), ("action_units", "head_AU"), ("expression", "head_exp"), ("valence_arousal", "head_VA")];

const BLOCKS: [(&str, &str); 7] = [
    ("attention_norm", "ln1"),
    ("mlp_norm", "ln2"),
    ("bidirectional", "bi_attn"),
    ("causal", "cas_attn"),
    ("output", "c_proj"),
    ("widen", "c_fc"),
    ("narrow", "c_proj"),
];

const NORMS: [(&str, &str); 2] = [("gamma", "weight"), ("beta", "bias")];

/// The published key of one of our parameters, e.g. `blocks.0.ln1.weight` for `blocks.0.attention_norm.gamma`.
pub fn published_name(path: &str) -> String {
    let mut parts = path.split('.');
    let room = parts.next().unwrap_or_default();
    let (prefix, table): (Option<&str>, &[(&str, &str)]) = match room {
        "embedding" => (None, &EMBEDDING),
        "heads" => (None, &HEADS),
        "final_norm" => (Some("ln_f"), &[]),
        room => (Some(room), &BLOCKS),
    };
    let rest = parts.map(|part| translated(part, table).or_else(|| translated(part, &NORMS)).unwrap_or(part));
    prefix.into_iter().chain(rest).collect::<Vec<_>>().join(".")
}

fn translated<'a>(part: &str, table: &[(&str, &'a str)]) -> Option<&'a str> {
    table.iter().find(|(ours, _)| *ours == part).map(|(_, published)| *published)
}

/// Whether the published layout of a parameter is ours transposed: the weights of linear layers, which PyTorch
/// stores `[out, in]` and burn `[in, out]`.
pub fn is_transposed(published: &str, rank: usize) -> bool {
    rank == 2 && published.ends_with(".weight") && !published.ends_with("_emb.weight")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_paths_become_published_keys() {
        for (ours, published) in [
            ("embedding.expression.weight", "s_exp_proj.weight"),
            ("embedding.matching", "token_slm"),
            ("heads.matching.weight", "head_slm.weight"),
            ("embedding.listener_expression.weight", "l_exp_emb.weight"),
            ("blocks.7.attention_norm.gamma", "blocks.7.ln1.weight"),
            ("blocks.0.causal.query.bias", "blocks.0.cas_attn.query.bias"),
            ("blocks.0.causal.output.weight", "blocks.0.cas_attn.c_proj.weight"),
            ("blocks.0.mlp.widen.bias", "blocks.0.mlp.c_fc.bias"),
            ("final_norm.beta", "ln_f.bias"),
        ] {
            assert_eq!(published_name(ours), published);
        }
    }

    #[test]
    fn only_linear_weights_are_transposed() {
        assert!(is_transposed("blocks.0.mlp.c_fc.weight", 2));
        assert!(!is_transposed("l_AU_emb.weight", 2));
        assert!(!is_transposed("ln_f.weight", 1));
    }
}
