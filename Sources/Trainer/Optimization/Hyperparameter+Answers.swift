import InferenceRuntime

extension Hyperparameter {
    /// What the methods that compare answers take beside the rest.
    static let answers: [Hyperparameter] = [
        .init(
            "beta",
            \.beta,
            .number(1e-6...1000),
            key: "pref_beta",
            keyDefault: 0.1,
            of: [.dpo, .kto],
            "how strongly the model is held to the reference"
        ),
        .init(
            "loss",
            \.preferenceLoss,
            .word(PreferenceLoss.allCases.map(\.rawValue)),
            key: "pref_loss",
            keyDefault: "sigmoid",
            of: [.dpo],
            "the loss of pairs, as TRL and LLaMA-Factory define it"
        ),
        .init(
            "label_smoothing",
            \.labelSmoothing,
            .number(0...0.5),
            key: "dpo_label_smoothing",
            keyDefault: 0,
            of: [.dpo],
            "share of pairs taken to be labelled the wrong way round; of `sigmoid` and `robust`"
        ),
        .init(
            "simpo_gamma",
            \.simpoGamma,
            .number(0...1000),
            key: "simpo_gamma",
            keyDefault: 0.5,
            of: [.dpo],
            "the margin of `simpo`"
        ),
        .init(
            "ftx",
            \.ftx,
            .number(0...1000),
            key: "pref_ftx",
            keyDefault: 0,
            of: [.dpo, .kto],
            "weight of the cross-entropy of better answers beside the loss"
        ),
        .init(
            "ld_alpha",
            \.ldAlpha,
            .number(0...1),
            key: "ld_alpha",
            of: [.dpo],
            "what the tokens of an answer count that go beyond the shorter one's length"
        ),
        .init(
            "bco_weight",
            \.bcoWeight,
            .number(0...1000),
            key: "pref_bco_weight",
            keyDefault: 0,
            of: [.dpo],
            "weight of BCO's loss beside that of the pairs"
        ),
        .init(
            "desirable_weight",
            \.desirableWeight,
            .number(0...1000),
            key: "kto_chosen_weight",
            keyDefault: 1,
            of: [.kto],
            "weight of good answers"
        ),
        .init(
            "undesirable_weight",
            \.undesirableWeight,
            .number(0...1000),
            key: "kto_rejected_weight",
            keyDefault: 1,
            of: [.kto],
            "weight of bad answers"
        ),
    ]
}
