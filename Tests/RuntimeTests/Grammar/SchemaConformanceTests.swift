import Foundation
import InferenceRuntime
import TestSupport
import Testing

/// Public conformance data, walked token by token.
@Suite("Conformance of constraints by JSON Schema")
struct SchemaConformanceTests {
    @Test(
        "the JSON Schema Test Suite: every schema is refused by name or right",
        .enabled(if: SharedData.folder("json-schema/draft2020-12") != nil)
    )
    func suite() throws {
        let folder = try #require(SharedData.folder("json-schema/draft2020-12"))
        var compiled = 0
        var refused = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            // Formats are held to although the draft calls them annotations.
            guard name.hasSuffix(".json"), name != "format.json" else { continue }
            let data = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
            let cases = try JSONValue(parsing: Array(data), maximumDepth: 200)
            for example in cases.array ?? [] {
                guard let schema = example["schema"] else { continue }
                let grammar: Grammar
                do throws(GrammarError) {
                    grammar = try Grammar(
                        .jsonSchema(schema, isStrict: false),
                        trie: GrammarFixture.trie
                    )
                } catch {
                    refused += 1
                    continue
                }
                compiled += 1
                for test in example["tests"]?.array ?? [] {
                    try check(test, grammar, "\(name) \(example["description"]?.string ?? "")")
                }
            }
        }
        #expect(compiled > 300 && refused < 60)
    }

    private func check(_ test: JSONValue, _ grammar: Grammar, _ place: String) throws {
        // Listed objects are written in their own order.
        guard let data = test["data"], let isValid = test["valid"]?.bool,
            test["description"] != "same object with different property order is valid"
        else { return }
        let text = ModelSpelling.text(of: data)
        #expect(try GrammarFixture.accepts(grammar, text) == isValid, "\(place): \(text)")
    }
}

/// JSON as a model writes it: whole numbers without a fraction.
enum ModelSpelling {
    static func text(of value: JSONValue) -> String {
        switch value {
        case .array(let elements): "[" + elements.map(text).joined(separator: ", ") + "]"
        case .object(let object):
            "{"
                + object.members.map {
                    JSONValue.string($0.key).serialized + ": " + text(of: $0.value)
                }.joined(separator: ", ") + "}"
        case .number(.literal(let literal)) where literal.hasSuffix(".0"):
            String(literal.dropLast(2))
        default: value.serialized
        }
    }
}
