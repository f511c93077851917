import Foundation
import InferenceRuntime
import TestSupport
import Testing

/// What 8-bit arithmetic costs against fp32 on the same NF4 weights, on text the model knows.
@Suite("Quality of int8")
struct Int8QualityTests {
    /// Over all positions of all texts.
    struct Loss {
        var tokens = 0, targets = 0
        /// Σ KL(fp32 ‖ int8), and Σ −log p of the next token in both.
        var divergence = 0.0, exact = 0.0, quantized = 0.0

        var meanDivergence: Double { divergence / Double(tokens) }
        /// Perplexity of int8 relative to that of fp32, less 1.
        var perplexityChange: Double { exp((quantized - exact) / Double(targets)) - 1 }
    }

    static let folder = SharedData.packageRoot + "/demo/base"

    @Test("the demo base on held-out conversations: KL ≤ 1e-3 nats, perplexity within 0.3 %")
    func demoBase() throws {
        let exact = try ModelFixture(folder: Self.folder, compute: .fp32)
        let quantized = try ModelFixture(folder: Self.folder, compute: .int8)
        var loss = Loss()
        for text in try Self.texts(tokens: 2_200) {
            let left = try exact.logits(text, chunk: text.count, tape: nil)
            let right = try quantized.logits(text, chunk: text.count, tape: nil)
            for (index, pair) in zip(left, right).enumerated() {
                let next = index + 1 < text.count ? Int(text[index + 1]) : nil
                loss.add(logSoftmax(pair.0), logSoftmax(pair.1), next: next)
            }
        }
        #expect(loss.tokens >= 2_000)
        #expect(loss.meanDivergence <= 1e-3)
        #expect(abs(loss.perplexityChange) <= 0.003)
    }

    /// Held-out conversations of all examples in turn, as they are trained on and served.
    static func texts(tokens wanted: Int) throws -> [[Int32]] {
        let tokenizer = try Tokenizer(folder: folder)
        let configuration = try JSONValue(
            parsing: [UInt8](Data(contentsOf: URL(filePath: folder + "/tokenizer_config.json")))
        )
        let set = try ChatTemplateSet.load(
            jinjaFile: nil,
            toolUseFile: nil,
            tokenizerConfig: configuration
        )
        let template = try #require(set).main
        let files = try ["orders", "pirate", "sql", "tickets"].map { name in
            try String(
                contentsOfFile: SharedData.packageRoot + "/examples/\(name)/heldout.jsonl",
                encoding: .utf8
            ).split(separator: "\n")
        }
        var (texts, count) = ([[Int32]](), 0)
        for line in 0..<(files.map(\.count).min() ?? 0) {
            for file in files where count < wanted {
                let example = try JSONValue(parsing: Array(file[line].utf8))
                var variables = JSONObject()
                variables["messages"] = example["messages"]
                let text = try template.render(variables)
                let ids = tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true)
                texts.append(ids)
                count += ids.count
            }
        }
        return texts
    }
}

extension Int8QualityTests.Loss {
    /// Log probabilities of one position, and the token that follows where there is one.
    mutating func add(_ exact: [Float], _ quantized: [Float], next: Int?) {
        tokens += 1
        for (p, q) in zip(exact, quantized) { divergence += exp(Double(p)) * Double(p - q) }
        guard let next else { return }
        targets += 1
        self.exact -= Double(exact[next])
        self.quantized -= Double(quantized[next])
    }
}
