import Glibc

/// Draws the tokens of one choice.
///
/// A value: it holds what the choice has behind it (tokens for the penalties, how many were
/// drawn), so a preempted sequence goes on exactly where it stopped.
package struct Sampler {
    package let parameters: SamplingParameters
    private let seed: UInt64
    private var processors: LogitsProcessors
    private var step: UInt64 = 0

    /// A sampler for choice `choice` of a request, whose stream is that of `seed &+ choice`.
    package init(
        _ parameters: SamplingParameters,
        seed: UInt64,
        choice: Int,
        prompt: [Int32],
        expecting tokens: Int
    ) {
        self.parameters = parameters
        self.seed = seed &+ UInt64(truncatingIfNeeded: choice)
        processors = LogitsProcessors(parameters, prompt: prompt, expecting: tokens)
    }

    /// Draws the next token from a row of logits, which stays as it is.
    ///
    /// `nil`: the row holds NaN, +∞ or nothing at all.
    package mutating func next(
        _ logits: UnsafePointer<Float>,
        _ workspace: SamplerWorkspace
    ) -> TokenSample? {
        let row = LogitsRow(base: logits, count: workspace.vocabulary)
        guard let greatest = row.greatest() else { return nil }
        let index: Int
        if processors.isIdle {
            index = draw(row, greatest: greatest, workspace)
        } else {
            workspace.row.update(from: logits, count: row.count)
            processors.apply(to: workspace.row, count: row.count)
            let edited = LogitsRow(base: workspace.row, count: row.count)
            guard let greatest = edited.greatest() else { return nil }
            index = draw(edited, greatest: greatest, workspace)
        }
        let id = Int32(truncatingIfNeeded: index)
        processors.append(id)
        step += 1
        guard let top = parameters.logprobs else { return TokenSample(id: id) }
        return Self.describe(id, row: row, greatest: greatest, top: top, workspace)
    }

    /// What the model thought of `id` as the next token, or `nil` for a broken row.
    package static func describe(
        _ id: Int32,
        logits: UnsafePointer<Float>,
        top: Int,
        _ workspace: SamplerWorkspace
    ) -> TokenSample? {
        let row = LogitsRow(base: logits, count: workspace.vocabulary)
        guard let greatest = row.greatest() else { return nil }
        return describe(id, row: row, greatest: greatest, top: top, workspace)
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
        let random = Philox.uniform(seed: seed, step: step)
        if parameters.topK > 0, parameters.topK < row.count {
            return drawFromTopK(random, workspace)
        }
        if parameters.topP < 1 {
            return drawFromNucleus(random, total: total, workspace)
        }
        return drawFromAll(random, total: total, workspace)
    }

    /// Walks the vocabulary in order until the weights reach the random share of their sum.
    private func drawFromAll(
        _ random: Double,
        total: Double,
        _ workspace: SamplerWorkspace
    ) -> Int {
        let goal = random * total
        let count = workspace.vocabulary
        var (reached, start) = (0.0, 0)
        while start + LogitsRow.block < count {
            let next = reached + workspace.sums[start / LogitsRow.block]
            if next > goal { break }
            (reached, start) = (next, start + LogitsRow.block)
        }
        for index in start..<count where workspace.row[index] > 0 {
            reached += Double(workspace.row[index])
            if reached > goal { return index }
        }
        // Rounding left the sum a hair short of its goal: the last token with any weight.
        return (0..<count).last { workspace.row[$0] > 0 } ?? 0
    }

    private func drawFromTopK(_ random: Double, _ workspace: SamplerWorkspace) -> Int {
        var selection = TopSelection(storage: workspace.keys)
        selection.selectLargest(
            parameters.topK,
            of: workspace.row,
            count: workspace.vocabulary
        )
        var total = 0.0
        for place in 0..<selection.count {
            total += Double(TopSelection.value(selection.keys[place]))
        }
        var kept = selection.count
        if parameters.topP < 1 {
            let goal = Double(parameters.topP) * total
            total = 0
            for place in 0..<selection.count {
                total += Double(TopSelection.value(selection.keys[place]))
                if total >= goal {
                    kept = place + 1
                    break
                }
            }
        }
        return walk(random * total, count: kept) { selection.keys[$0] }
    }

    private func drawFromNucleus(
        _ random: Double,
        total: Double,
        _ workspace: SamplerWorkspace
    ) -> Int {
        // What lies below this threshold weighs less than 1 − topP in all, so the nucleus is
        // above it, and most of the vocabulary need not be looked at again.
        let share = Double(max(0, 1 - parameters.topP)) * total / Double(workspace.vocabulary)
        let threshold = max(Float.leastNonzeroMagnitude, min(1, Float(share)))
        var selection = TopSelection(storage: workspace.keys)
        selection.gather(
            atLeast: threshold,
            of: workspace.row,
            count: workspace.vocabulary
        )
        let (found, goal) = (selection.count, Double(parameters.topP) * total)
        var (kept, mass) = (0, 0.0)
        repeat {
            mass += Double(TopSelection.value(selection.popLargest()))
            kept += 1
        } while mass < goal && kept < found
        return walk(random * mass, count: kept) { selection.keys[found - 1 - $0] }
    }

    /// The index of the key at which the weights, best first, pass `goal`.
    private func walk(_ goal: Double, count: Int, key: (Int) -> TopSelection.Key) -> Int {
        var reached = 0.0
        for place in 0..<count {
            reached += Double(TopSelection.value(key(place)))
            if reached > goal { return TopSelection.index(key(place)) }
        }
        // Rounding: the last one with any weight.
        let last = (0..<count).last { TopSelection.value(key($0)) > 0 } ?? 0
        return TopSelection.index(key(last))
    }
}
