import Foundation
import InferenceRuntime

/// What a way to multiply costs: a model's next-token probabilities next to those of fp32 on the very
/// same weights, over all positions of some texts.
struct QualityBench {
    /// Sums over positions, in nats.
    struct Result {
        var texts = 0, tokens = 0, targets = 0
        /// Positions whose likeliest token is the same in both.
        var sameFirstChoice = 0
        /// Σ KL(fp32 ‖ model), and Σ −log p of the text's next token in both.
        var divergence = 0.0, exactLoss = 0.0, loss = 0.0

        var meanDivergence: Double { divergence / Double(max(tokens, 1)) }
        var perplexity: Double { exp(loss / Double(max(targets, 1))) }
        var exactPerplexity: Double { exp(exactLoss / Double(max(targets, 1))) }

        var json: JSONValue {
            [
                "texts": JSONValue(texts),
                "tokens": JSONValue(tokens),
                "mean_kl": JSONValue(meanDivergence),
                "perplexity": JSONValue(perplexity),
                "perplexity_fp32": JSONValue(exactPerplexity),
                "perplexity_change": JSONValue(perplexity / exactPerplexity - 1),
                "same_first_choice": JSONValue(Double(sameFirstChoice) / Double(max(tokens, 1))),
            ]
        }

        var text: String {
            String(
                format: """
                    %d texts, %d tokens
                    mean KL from fp32   %.2e nats
                    perplexity          %.4f, fp32 %.4f (%+.3f %%)
                    same first choice   %.2f %%
                    """,
                texts,
                tokens,
                meanDivergence,
                perplexity,
                exactPerplexity,
                100 * (perplexity / exactPerplexity - 1),
                100 * Double(sameFirstChoice) / Double(max(tokens, 1))
            )
        }
    }

    private static let longest = 512

    let exact: Transformer, model: Transformer
    let pool: ThreadPool

    /// The texts of a JSON Lines file, each `{"text": …}`, as tokens.
    static func texts(of path: String, _ tokenizer: Tokenizer) throws -> [[Int32]] {
        guard let content = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw CommandError("--quality \(path): the file cannot be read.")
        }
        var texts: [[Int32]] = []
        for (index, line) in content.split(separator: "\n").enumerated() {
            let json = try? JSONValue(parsing: Array(line.utf8))
            guard let text = json?["text"]?.string else {
                throw CommandError("\(path), line \(index + 1): an object with \"text\" is wanted.")
            }
            let tokens = tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true)
            if !tokens.isEmpty { texts.append(Array(tokens.prefix(longest))) }
        }
        guard !texts.isEmpty else {
            throw CommandError("--quality \(path): there is no text in it.")
        }
        return texts
    }

    func measure(_ texts: [[Int32]]) throws -> Result {
        var result = Result(texts: texts.count)
        for text in texts {
            let exact = try pass(self.exact, text), measured = try pass(model, text)
            for position in text.indices {
                result.add(
                    UnsafeBufferPointer(exact.logits(row: position)),
                    UnsafeBufferPointer(measured.logits(row: position)),
                    next: position + 1 < text.count ? Int(text[position + 1]) : nil
                )
            }
        }
        return result
    }

    private func pass(_ model: Transformer, _ text: [Int32]) throws -> Workspace {
        let cache = model.makeCache(blocks: (text.count + 15) / 16)
        let workspace = model.makeWorkspace(
            maxRows: text.count,
            maxLogitRows: text.count,
            purpose: .serving
        )
        var batch = Batch()
        batch.append(
            tokens: text[...],
            firstPosition: 0,
            maxLength: text.count,
            blockTable: (0..<cache.blocks).map { Int32($0) },
            adapters: AdapterMix(),
            logits: .all
        )
        let context = ComputeContext(pool: pool, dtype: model.compute)
        try model.forward(
            batch,
            cache: cache,
            workspace: workspace,
            tape: nil,
            context,
            yield: nil
        )
        return workspace
    }
}

extension QualityBench.Result {
    fileprivate mutating func add(
        _ exact: UnsafeBufferPointer<Float>,
        _ measured: UnsafeBufferPointer<Float>,
        next: Int?
    ) {
        let (p, q) = (Normalizer(exact), Normalizer(measured))
        tokens += 1
        if p.first == q.first { sameFirstChoice += 1 }
        var sum = 0.0
        for index in exact.indices {
            let log = p.logProbability(index)
            sum += exp(log) * (log - q.logProbability(index))
        }
        divergence += sum
        guard let next else { return }
        targets += 1
        exactLoss -= p.logProbability(next)
        loss -= q.logProbability(next)
    }

    /// log softmax of a row in doubles.
    private struct Normalizer {
        private let row: UnsafeBufferPointer<Float>
        private let offset: Double
        /// The likeliest token.
        let first: Int

        init(_ row: UnsafeBufferPointer<Float>) {
            self.row = row
            first = row.indices.max { row[$0] < row[$1] } ?? 0
            let greatest = Double(row[first])
            offset = greatest + log(row.reduce(0) { $0 + exp(Double($1) - greatest) })
        }

        func logProbability(_ index: Int) -> Double { Double(row[index]) - offset }
    }
}
