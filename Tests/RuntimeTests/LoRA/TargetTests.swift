import Foundation
import Testing

@testable import InferenceRuntime

/// Which modules a configuration adapts, and how: as PEFT does, on text models and multimodal wholes.
@Suite("Modules that configurations name")
struct TargetTests {
    private static let architecture = try? Architecture(
        configuration: [
            "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4,
            "num_hidden_layers": 2, "vocab_size": 259, "intermediate_size": 128,
        ]
    )

    private static func records() throws -> [JSONValue] {
        let path = ModelFixture.root + "/targets.json"
        return try #require(
            try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path)))).array
        )
    }

    @Test("modules, ranks and alphas are those of PEFT, whatever the model is a part of")
    func sameAsPEFT() throws {
        let architecture = try #require(Self.architecture)
        for record in try Self.records() {
            var configuration = try LoRAConfiguration(json: try #require(record["config"]))
            let whole = record["whole"]?.string ?? ""
            configuration.whole = LanguageModelPart.Whole(path: whole)
            let matcher = try configuration.matcher()
            var found: JSONObject = [:]
            let modules = architecture.linearModules + [architecture.headModule]
            for path in modules.map(\.name) + [architecture.names.embedding]
            where try matcher.isTargeted(path: path) {
                let rank = try matcher.rank(ofPath: path)
                let alpha = try matcher.scale(ofPath: path, rank: rank) * Float(rank)
                found[path] = [JSONValue(rank), JSONValue(Int(alpha.rounded()))]
            }
            #expect(.object(found) == record["modules"], "\(whole): \(record["config"] ?? nil)")
        }
    }

    @Test("a pattern that takes for ever is an error soon, however many modules there are")
    func boundsPatterns() throws {
        let architecture = try #require(Self.architecture)
        let hostile = [
            "(.*)*(.*)*(.*)*(.*)*(.*)*x", "((a|m)+|.)*(.*.*.*.*.*.*)*!", "(?:(?:.*?)*?)*?_",
            "(.+)(.+)(.+)(.+)(.+)(.+)(.+)(.+)(.+)#", "(?:[a-z_.0-9]+)+(?<!j)",
        ]
        for pattern in hostile {
            var configuration = LoRAConfiguration()
            configuration.targets = .pattern(pattern)
            let start = ContinuousClock.now
            #expect(throws: AdapterError.self) { try configuration.targetedModules(architecture) }
            #expect(ContinuousClock.now - start < .seconds(20))
            configuration = LoRAConfiguration()
            configuration.alphaPattern = [.init(pattern: pattern, value: 1)]
            let again = ContinuousClock.now
            let error = Self.error(configuration, architecture)
            #expect(ContinuousClock.now - again < .seconds(20))
            if pattern == hostile.last {
                #expect(error?.description.contains("too long to match") == true)
            }
        }
    }

    private static func error(
        _ configuration: LoRAConfiguration,
        _ architecture: Architecture
    ) -> AdapterError? {
        do throws(AdapterError) {
            let matcher = try configuration.matcher()
            for module in architecture.linearModules where !module.name.hasSuffix("down_proj") {
                _ = try matcher.scale(of: module, rank: 1)
            }
            return nil
        } catch {
            return error
        }
    }

    @Test("fifty thousand names and patterns take no longer than they are long")
    func manyNames() throws {
        let architecture = try #require(Self.architecture)
        var configuration = LoRAConfiguration()
        let names = (0..<50_000).map { "model.layers.\($0).self_attn.q_proj" }
        configuration.targets = .names(names)
        configuration.rankPattern = names.map { .init(pattern: $0, value: 4) }
        let matcher = try configuration.matcher()
        let modules = try configuration.targetedModules(architecture)
        #expect(modules.map(\.name) == Array(names.prefix(2)))
        #expect(try modules.map { try matcher.rank(of: $0) } == [4, 4])
    }

    @Test("training still tells a name that no module has")
    func slipInTraining() throws {
        let architecture = try #require(Self.architecture)
        var configuration = LoRAConfiguration()
        configuration.targets = .names(["q_proj", "v_porj"])
        #expect(try configuration.targetedModules(architecture).count == 2)
        #expect(throws: AdapterError.noModules("\"v_porj\"")) {
            try LoRALayout(configuration, for: architecture)
        }
    }
}
