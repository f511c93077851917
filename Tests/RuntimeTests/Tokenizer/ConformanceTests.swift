import Foundation
import InferenceRuntime
import Testing
import TestSupport

/// The ids and texts of the reference implementation for some hundreds of texts.
///
/// They lie in `shared/tokenizers` beside the checkout; without it there is nothing to compare.
@Suite(
    "Tokenizers agree with the reference",
    .enabled(if: SharedData.folder("tokenizers") != nil, "shared/tokenizers is not there")
)
struct ConformanceTests {
    static let names = ["gpt2", "llama-2", "llama-3", "phi-3", "qwen2"]

    private func lines(_ name: String, _ file: String) throws -> [JSONValue] {
        let folder = try #require(SharedData.folder("tokenizers/\(name)"))
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))
        return try data.split(separator: UInt8(ascii: "\n")).map {
            try JSONValue(parsing: Array($0))
        }
    }

    /// Each is loaded once for all tests: some have a quarter of a million merges.
    private static let tokenizers = names.map { name in
        (name, Result { try Tokenizer(folder: SharedData.folder("tokenizers/\(name)") ?? name) })
    }

    private func tokenizer(_ name: String) throws -> Tokenizer {
        try #require(Self.tokenizers.first { $0.0 == name }).1.get()
    }

    /// Compares by bytes and keeps the output short where much differs.
    private func expect(
        _ actual: String,
        _ expected: String?,
        _ context: @autoclosure () -> String
    ) {
        guard let expected, Array(actual.utf8) != Array(expected.utf8) else { return }
        Issue.record("\(context()): \(actual.debugDescription), not \(expected.debugDescription)")
    }

    @Test("ordinary text", arguments: names)
    func ordinary(_ name: String) throws {
        let tokenizer = try tokenizer(name)
        for (number, line) in try lines(name, "vectors.jsonl").enumerated() {
            let text = try #require(line["text"]?.string)
            let ids = line.ids("ids")
            #expect(
                tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true) == ids,
                "line \(number + 1): \(text.debugDescription.prefix(200))"
            )
            let decoded = tokenizer.decode(ids, skipSpecialTokens: false)
            expect(decoded, line["decoded"]?.string, "line \(number + 1)")
        }
    }

    @Test("text with special tokens", arguments: names)
    func special(_ name: String) throws {
        let tokenizer = try tokenizer(name)
        for (number, line) in try lines(name, "vectors-special.jsonl").enumerated() {
            let text = try #require(line["text"]?.string)
            let (ids, plain) = (line.ids("ids"), line.ids("ids_plain"))
            let comment = Comment(rawValue: "line \(number + 1): \(text.debugDescription)")
            #expect(
                tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true) == ids,
                comment
            )
            #expect(
                tokenizer.encode(text, addSpecialTokens: false, parseSpecial: false) == plain,
                comment
            )
            #expect(
                tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true)
                    == line.ids("ids_add_special"),
                comment
            )
            let context = "line \(number + 1)"
            expect(
                tokenizer.decode(ids, skipSpecialTokens: false),
                line["decoded"]?.string,
                context
            )
            expect(
                tokenizer.decode(ids, skipSpecialTokens: true),
                line["decoded_skip_special"]?.string,
                context
            )
            expect(
                tokenizer.decode(plain, skipSpecialTokens: false),
                line["decoded_plain"]?.string,
                context
            )
        }
    }

    @Test("streamed text, piece by piece", arguments: names)
    func stream(_ name: String) throws {
        let tokenizer = try tokenizer(name)
        for (number, line) in try lines(name, "stream.jsonl").enumerated() {
            let skip = line["skip_special_tokens"]?.bool ?? false
            let ids = line.ids("ids")
            var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: skip)
            let pieces = ids.map { detokenizer.append($0) }
            let flush = detokenizer.flush()
            let context = "line \(number + 1) \(line["name"]?.string ?? "")"
            for (index, expected) in (line["pieces"]?.array ?? []).enumerated() {
                expect(pieces[index], expected.string, "\(context), piece \(index)")
            }
            expect(flush, line["flush"]?.string, context)
            expect(
                tokenizer.decode(ids, skipSpecialTokens: skip),
                line["decoded"]?.string,
                context
            )
        }
    }
}

extension JSONValue {
    /// A list of ids.
    fileprivate func ids(_ key: String) -> [Int32] {
        (self[key]?.array ?? []).compactMap { $0.int.flatMap { Int32(exactly: $0) } }
    }
}
