import InferenceRuntime

extension Hyperparameter {
    /// What the methods that compare answers take beside the rest.
    static let answers: [Hyperparameter] = [
        .init(
            "beta",
            \.beta,
            .number(0...1000),
            silence: "0.1; of `reinforcement` 0, with `rloo` 0.05",
            key: "pref_beta",
            keyDefault: 0.1,
            of: [.dpo, .kto, .reinforcement],
            "how strongly the model is held to the reference"
        ),
        .init(
            "loss",
            .word(PreferenceLoss.allCases.map(\.rawValue) + PolicyLoss.allCases.map(\.rawValue)),
            inFile: .word(PreferenceLoss.allCases.map(\.rawValue)),
            silence: "`sigmoid`; of `reinforcement` `dapo`",
            key: "pref_loss",
            keyDefault: "sigmoid",
            of: [.dpo, .reinforcement],
            "the loss as TRL and LLaMA-Factory define it; of `reinforcement` the last five",
            value: {
                $0.method == .reinforcement ? $0.policyLoss.json : $0.preferenceLoss.json
            },
            set: { hyperparameters, value in
                if let loss = PreferenceLoss(hyperparameter: value) {
                    hyperparameters.preferenceLoss = loss
                }
                if let loss = PolicyLoss(hyperparameter: value) {
                    hyperparameters.policyLoss = loss
                }
            }
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
