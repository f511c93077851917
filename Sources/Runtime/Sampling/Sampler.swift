import Glibc

/// Draws the tokens of one choice.
///
/// A value: it holds what the choice has behind it (tokens for the penalties, how many were
/// drawn), so a preempted sequence goes on exactly where it stopped.
package struct Sampler {
    package let parameters: SamplingParameters
    private let seed: UInt64
    private var processors: LogitsProcessors
    private let constraint: TokenConstraint?
    /// Why the constraint let no token be drawn.
    private(set) var failure: GrammarError?
    private var step: UInt64 = 0

    /// A sampler for choice `choice` of a request, whose stream is that of `seed &+ choice`.
    package init(
        _ parameters: SamplingParameters,
        seed: UInt64,
        choice: Int,
        prompt: [Int32],
        expecting tokens: Int,
        constraint: TokenConstraint? = nil
    ) {
        self.parameters = parameters
        self.seed = seed &+ UInt64(truncatingIfNeeded: choice)
        self.constraint = constraint
        processors = LogitsProcessors(parameters, prompt: prompt, expecting: tokens)
    }

    /// Draws the next token from a row of logits, which stays as it is.
    ///
    /// `nil`: the row holds NaN, +∞ or nothing at all, or `failure` says more.
    package mutating func next(
        _ logits: UnsafePointer<Float>,
        _ workspace: SamplerWorkspace
    ) -> TokenSample? {
        let row = LogitsRow(base: logits, count: workspace.vocabulary)
        guard let greatest = row.greatest() else { return nil }
        let index: Int
        if processors.isIdle, constraint == nil {
            index = draw(row, greatest: greatest, workspace)
        } else {
            workspace.row.update(from: logits, count: row.count)
            processors.apply(to: workspace.row, count: row.count)
            do throws(GrammarError) {
                try constraint?.apply(to: workspace.row, count: row.count)
            } catch {
                failure = error
                return nil
            }
            let edited = LogitsRow(base: workspace.row, count: row.count)
            guard let greatest = edited.greatest() else { return nil }
            index = draw(edited, greatest: greatest, workspace)
        }
        let id = Int32(truncatingIfNeeded: index)
        processors.append(id)
        constraint?.append(id)
        step += 1
        guard let top = parameters.logprobs else { return TokenSample(id: id) }
        return Self.describe(id, row: row, greatest: greatest, top: top, workspace)
    }

    /// The tokens that the constraint leaves no choice about, as far as its bytes can be cut into
    /// tokens; a guess, since several tokens may begin with the same bytes.
    func forced(atMost most: Int) -> [Int32] { constraint?.forced(atMost: most) ?? [] }

    /// What the model thought of `id` as the next token, or `nil` for a broken row.
    package static func describe(
        _ id: Int32,
        logits: UnsafePointer<Float>,
        top: Int,
        _ workspace: SamplerWorkspace
    ) -> TokenSample? {
        let row = LogitsRow(base: logits, count: workspace.vocabulary)
        guard let greatest = row.greatest() else { return nil }
        var sample = describe(id, row: row, greatest: greatest, top: top, workspace)
        let own = row.base[Int(id)]
        sample.rank = 1 + (0..<row.count).count { row.base[$0] > own }
        return sample
    }

    private static func describe(
        _ id: Int32,
        row: LogitsRow,
        greatest: Float,
        top: Int,
        _ workspace: SamplerWorkspace
    ) -> TokenSample {
        let normaliser = Float(log(row.expSum(greatest: greatest)))
        var selection = TopSelection(storage: workspace.keys)
        selection.selectLargest(top, of: row.base, count: row.count)
        let best = (0..<selection.count).map { place in
            let key = selection.keys[place]
            return TokenLogprob(
                id: Int32(truncatingIfNeeded: TopSelection.index(key)),
                logprob: TopSelection.value(key) - greatest - normaliser
            )
        }
        let logprob = row.base[Int(id)] - greatest - normaliser
        return TokenSample(id: id, logprob: logprob, top: best)
    }
}

extension Sampler {
    /// Temperatures below this are 0: their reciprocal has no room for differences.
    private static let coldest: Float = 1e-5

    private func draw(_ row: LogitsRow, greatest: Float, _ workspace: SamplerWorkspace) -> Int {
        guard parameters.temperature >= Self.coldest else { return row.firstIndex(of: greatest) }
        let total = row.writeWeights(
            workspace.row,
            sums: workspace.sums,
            greatest: greatest,
            inverseTemperature: 1 / parameters.temperature,
            floor: parameters.minP
        )
        var weights = WeightRow(
            base: workspace.row,
            count: row.count,
            sums: workspace.sums,
            scratch: workspace.scratch,
            total: total
        )
        if parameters.topK > 0, parameters.topK < row.count {
            weights.keepLargest(parameters.topK)
        }
        if parameters.topP < 1 { weights.keepLargest(share: parameters.topP) }
        return weights.index(atShare: Philox.uniform(seed: seed, step: step))
    }
}
