/// The losses of pairs, by the words of LLaMA-Factory's `pref_loss` and TRL's `loss_type`.
public enum PreferenceLoss: String, Sendable, Hashable, CaseIterable {
    /// DPO (Rafailov and others, 2023), with label smoothing cDPO (Mitchell, 2023).
    case sigmoid
    /// DPO for labels that are wrong with a known probability (Chowdhury and others, 2024).
    case robust
    /// SLiC's (Zhao and others, 2023).
    case hinge
    /// IPO (Azar and others, 2023), on log-probabilities per token.
    case ipo
    /// ORPO (Hong and others, 2024): cross-entropy and odds ratio, without a reference.
    case orpo
    /// SimPO (Meng and others, 2024): per token and with a margin, without a reference.
    case simpo
    /// KTO's loss (Ethayarajh and others, 2024) on pairs.
    case ktoPair = "kto_pair"

    /// Whether the reference's log-probabilities are asked for.
    var needsReference: Bool { self != .orpo && self != .simpo }
    /// Whether an answer counts by its mean log-probability rather than the sum.
    var isPerToken: Bool { self == .ipo || self == .orpo || self == .simpo }
    /// Whether wrong labels can be reckoned with.
    var takesSmoothing: Bool { self == .sigmoid || self == .robust }
}
