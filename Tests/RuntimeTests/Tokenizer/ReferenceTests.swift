import Foundation
import InferenceRuntime
import TestSupport
import Testing

/// Small tokenizers of every kind against what the `tokenizers` library makes of some texts;
/// `Tests/Fixtures/tokenizers/make-reference.py` wrote them down.
@Suite("Tokenizers of every kind agree with the reference")
struct ReferenceTests {
    private static let reference: JSONValue? = {
        let path =
            ProcessInfo.processInfo.environment["FACET_TOKENIZER_REFERENCE"]
            ?? SharedData.packageRoot + "/Tests/Fixtures/tokenizers/reference.json"
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONValue(parsing: Array(data))
    }()

    private static func entries(_ key: String) -> [Entry] {
        (reference?[key]?.array ?? []).map { Entry(json: $0) }
    }

    /// One tokenizer and what is expected of it.
    struct Entry: CustomTestStringConvertible, Sendable {
        let json: JSONValue
        var testDescription: String { json["name"]?.string ?? "" }

        var ids: [[Int32]] { (json["ids"]?.array ?? []).map(ReferenceTests.ids) }

        /// What is decoded: `runs` where there are any, else `ids`.
        var runs: [[Int32]] { json["runs"]?.array.map { $0.map(ReferenceTests.ids) } ?? ids }

        /// The texts that are expected; `nil` where the library itself failed.
        func texts(_ key: String) -> [String?] { (json[key]?.array ?? []).map(\.string) }
    }

    private static func ids(_ json: JSONValue) -> [Int32] {
        (json.array ?? []).compactMap { $0.int.flatMap { Int32(exactly: $0) } }
    }

    @Test("the reference is there")
    func referenceIsThere() {
        #expect(Self.entries("encoders").count + Self.entries("decoders").count > 110)
    }

    @Test("encoding", arguments: entries("encoders"))
    func encoding(_ entry: Entry) throws {
        let reference = try #require(Self.reference)
        var description = try #require(entry.json["tokenizer"]?.object)
        if description["model"]?.string == "probe" { description["model"] = reference["probe"] }
        let tokenizer = try Tokenizer(
            tokenizerJSON: JSONValue.object(description).serializedBytes,
            config: nil
        )
        let texts = (reference["texts"]?.array ?? []).compactMap(\.string)
        for (index, expected) in entry.ids.enumerated() {
            let ids = tokenizer.encode(texts[index], addSpecialTokens: false, parseSpecial: true)
            let message = Self.difference(ids, expected, tokenizer)
            #expect(ids == expected, "\(texts[index].debugDescription): \(message)")
        }
        if let special = entry.json["special"] {
            let ids = tokenizer.encode(texts[3], addSpecialTokens: true, parseSpecial: true)
            #expect(ids == Self.ids(special))
        }
        try expectDecoding(entry, tokenizer)
    }

    @Test("decoding", arguments: entries("decoders"))
    func decoding(_ entry: Entry) throws {
        var description: JSONObject = [:]
        description["model"] = Self.reference?["decoder_model"]
        description["decoder"] = entry.json["decoder"]
        let pad: JSONValue = ["content": "<pad>", "special": true, "normalized": false]
        description["added_tokens"] = [pad]
        let tokenizer = try Tokenizer(
            tokenizerJSON: JSONValue.object(description).serializedBytes,
            config: nil
        )
        try expectDecoding(entry, tokenizer)
    }

    /// Decoding at once, and streaming where no run of byte tokens goes wrong half way.
    private func expectDecoding(_ entry: Entry, _ tokenizer: Tokenizer) throws {
        for (key, skip) in [("decoded", false), ("skipped", true)] {
            for (ids, expected) in zip(entry.runs, entry.texts(key)) {
                guard let expected else { continue }
                let text = tokenizer.decode(ids, skipSpecialTokens: skip)
                #expect(
                    Array(text.utf8) == Array(expected.utf8),
                    "\(ids): \(text.debugDescription), not \(expected.debugDescription)"
                )
                var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: skip)
                var streamed = ids.map { detokenizer.append($0) }.joined()
                streamed += detokenizer.flush()
                if streamed.unicodeScalars.contains("\u{FFFD}") { continue }
                #expect(
                    Array(streamed.utf8) == Array(expected.utf8),
                    "streamed \(ids): \(streamed.debugDescription)"
                )
            }
        }
    }

    private static func difference(_ ids: [Int32], _ expected: [Int32], _ tokenizer: Tokenizer)
        -> String
    {
        let names = { (ids: [Int32]) in ids.map { tokenizer.token(of: $0) ?? "?" } }
        let (left, right) = (names(ids), names(expected))
        let start = zip(ids, expected).prefix { $0 == $1 }.count
        return "from \(start): \(left.dropFirst(start).prefix(12)), "
            + "not \(right.dropFirst(start).prefix(12))"
    }
}
