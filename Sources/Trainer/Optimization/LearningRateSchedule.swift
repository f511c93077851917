import Foundation

/// How the learning rate moves over a run: the multiplier of the base rate at each step.
///
/// Formulas and argument defaults are those of `transformers/optimization.py`, where a step counts
/// the optimizer steps already done, so that step 0 of a warm-up has rate 0.
public struct LearningRateSchedule: Sendable, Hashable {
    /// The schedules by the names `lr_scheduler_type` has in Hugging Face's trainer.
    public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// The base rate throughout; no warm-up.
        case constant
        /// Linear warm-up, then the base rate.
        case constantWithWarmup = "constant_with_warmup"
        /// Linear warm-up, then linear to 0.
        case linear
        /// Linear warm-up, then half a cosine to 0.
        case cosine
        /// Linear warm-up, then one cosine that ends at 0.
        case cosineWithRestarts = "cosine_with_restarts"
        /// Linear warm-up, then a polynomial of power 1 to 1e-7.
        case polynomial
        /// Linear warm-up, then 1/√t.
        case inverseSqrt = "inverse_sqrt"
        /// Linear warm-up, then half a cosine to a tenth of the base rate.
        case cosineWithMinLR = "cosine_with_min_lr"
        /// The same with a warm-up that begins above 0.
        case cosineWarmupWithMinLR = "cosine_warmup_with_min_lr"
        /// Linear warm-up, base rate for a third of the rest, half a cosine to 0.
        case warmupStableDecay = "warmup_stable_decay"
    }

    /// Which schedule.
    public let kind: Kind
    /// Optimizer steps of the warm-up.
    public let warmupSteps: Int
    /// Optimizer steps of the whole run.
    public let totalSteps: Int
    /// The base learning rate; only absolute rates among the options depend on it.
    public let baseRate: Double
    /// Arguments of the schedule.
    public let options: Options

    /// A schedule over `totalSteps` optimizer steps.
    public init(
        kind: Kind,
        warmupSteps: Int,
        totalSteps: Int,
        baseRate: Double,
        options: Options = Options()
    ) {
        self.kind = kind
        self.options = options
        self.warmupSteps = kind == .constant ? 0 : warmupSteps
        self.totalSteps = totalSteps
        self.baseRate = baseRate
    }

    /// Warm-up steps as transformers counts them: a number of steps, else ⌈ratio · total⌉.
    public static func warmupSteps(steps: Int?, ratio: Double, total: Int) -> Int {
        if let steps { return steps }
        return Int((ratio * Double(total)).rounded(.up))
    }

    /// The learning rate after `step` optimizer steps.
    public func rate(at step: Int) -> Double { baseRate * multiplier(at: step) }

    /// The factor of the base rate after `step` optimizer steps.
    public func multiplier(at step: Int) -> Double {
        if step < warmupSteps { return warmup(Double(step)) }
        let rest = Double(max(1, totalSteps - warmupSteps))
        let progress = Double(step - warmupSteps) / rest
        switch kind {
        case .constant, .constantWithWarmup: return 1
        case .linear: return max(0, Double(totalSteps - step) / rest)
        case .cosine: return max(0, cosine(progress))
        case .cosineWithRestarts:
            let cycles = options["num_cycles"] ?? 1
            return progress >= 1
                ? 0
                : max(0, Self.halfCosine((cycles * progress).truncatingRemainder(dividingBy: 1)))
        case .polynomial: return polynomial(step)
        case .inverseSqrt: return inverseSqrt(step)
        case .cosineWithMinLR: return max(0, floored(cosine(progress), at: minimumRatio))
        case .cosineWarmupWithMinLR:
            let next = Double(step - warmupSteps + 1) / rest
            return max(0, floored(cosine(next), at: minimumRatio))
        case .warmupStableDecay: return stableDecay(step)
        }
    }

    /// The share of the base rate at which the two schedules with a minimum end.
    private var minimumRatio: Double {
        options["min_lr"].map { $0 / baseRate } ?? options["min_lr_rate"] ?? 0.1
    }

    private func warmup(_ step: Double) -> Double {
        let steps = Double(max(1, warmupSteps))
        switch kind {
        case .cosineWarmupWithMinLR:
            guard let first = options["warmup_lr_rate"] else { return (step + 1) / steps }
            return floored(step / max(1, steps - 1), at: first)
        case .warmupStableDecay: return floored(step / steps, at: options["min_lr_ratio"] ?? 0)
        default: return step / steps
        }
    }

    private func polynomial(_ step: Int) -> Double {
        let end = options["lr_end"] ?? 1e-7
        guard step <= totalSteps, totalSteps > warmupSteps else { return end / baseRate }
        let remaining = 1 - Double(step - warmupSteps) / Double(totalSteps - warmupSteps)
        return ((baseRate - end) * pow(remaining, options["power"] ?? 1) + end) / baseRate
    }

    private func inverseSqrt(_ step: Int) -> Double {
        let timescale = options["timescale"] ?? Double(warmupSteps > 0 ? warmupSteps : 10_000)
        return 1 / ((Double(step - warmupSteps) + timescale) / timescale).squareRoot()
    }

    /// LLaMA-Factory's split: a third of what follows the warm-up is stable, the rest decays.
    private func stableDecay(_ step: Int) -> Double {
        let third = (totalSteps - warmupSteps) / 3
        let stable = options["num_stable_steps"].map { Int($0) } ?? third
        let decay = options["num_decay_steps"].map { Int($0) } ?? totalSteps - warmupSteps - third
        let least = options["min_lr_ratio"] ?? 0
        let into = step - warmupSteps - stable
        guard into >= 0 else { return 1 }
        guard into < decay else { return least }
        return max(0, floored(cosine(Double(into) / Double(max(1, decay))), at: least))
    }

    /// Half a cosine, or as many waves as were asked for.
    private func cosine(_ progress: Double) -> Double {
        Self.halfCosine(2 * (options["num_cycles"] ?? 0.5) * progress)
    }

    private static func halfCosine(_ progress: Double) -> Double {
        0.5 * (1 + cos(.pi * progress))
    }

    private func floored(_ factor: Double, at least: Double) -> Double {
        factor * (1 - least) + least
    }
}
