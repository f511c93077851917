import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("Models and adapters")
struct AdaptersTests {
    private func load(
        _ world: TestWorld,
        _ name: String,
        _ seed: UInt8,
        _ more: JSONObject = [:],
        as key: String = "acme"
    ) async throws -> TestAPI.Reply {
        var body: JSONObject = [
            "lora_name": .string(name), "lora_path": .string(try world.writeAdapter(seed)),
        ]
        for (key, value) in more.members { body[key] = value }
        return try await world.post("/v1/load_lora_adapter", .object(body), as: key)
    }

    private func ask(
        _ world: TestWorld,
        _ model: String,
        _ more: JSONObject = [:],
        as key: String = "acme"
    ) async throws -> TestAPI.Reply {
        var body: JSONObject = ["model": .string(model), "prompt": "a"]
        for (key, value) in more.members { body[key] = value }
        return try await world.post("/v1/completions", .object(body), as: key)
    }

    @Test("an adapter is loaded, answers, is listed and goes")
    func wholeWay() async throws {
        let world = try await TestWorld()
        let loaded = try await load(world, "sql", 1)
        #expect(loaded.status == 200)
        #expect(loaded.json["id"] == "sql")
        let generation = try #require(loaded.json["generation"]?.string)
        let answer = try await ask(world, "sql")
        #expect(answer.status == 200)
        #expect(answer.json["model"] == "sql")
        #expect(answer.headers["x-adapter-generation"] == generation)
        let mix = try #require(world.generator.requests.last?.adapters)
        #expect(mix.entries.map(\.adapter.id.hex) == [generation])
        let pinned = try await ask(world, "sql@\(generation)")
        #expect(pinned.status == 200)
        let base = try await ask(world, "tiny")
        #expect(base.json["system_fingerprint"] != answer.json["system_fingerprint"])
        #expect(world.generator.requests.last?.adapters.isEmpty == true)

        let models = try await world.get("/v1/models")
        #expect(OpenAISchemas.problems("ListModelsResponse", models.json) == [])
        let data = try #require(models.json["data"]?.array)
        #expect(data.map { $0["id"] } == ["tiny", "sql"])
        #expect(data[0]["parent"] == nil)
        #expect(data[1]["parent"] == "tiny")
        #expect(try await world.get("/v1/models/sql").json == data[1])
        let adapters = try await world.get("/v1/adapters")
        let status = try #require(adapters.json["data"]?.array?.first)
        for key in [
            "name", "generation", "base", "tenant", "rank", "alpha", "bytes", "residency",
            "leases", "created", "lineage",
        ] { #expect(status[key] != nil, "\(key)") }
        #expect(status["leases"] == 0)

        let deleted = try await world.delete("/v1/models/sql")
        #expect(OpenAISchemas.problems("DeleteModelResponse", deleted.json) == [])
        #expect(try await ask(world, "sql").status == 404)
        #expect(try await world.delete("/v1/models/sql").status == 404)
    }

    @Test("an existing name is replaced only where that was asked for")
    func replacing() async throws {
        let world = try await TestWorld()
        let first = try await load(world, "sql", 1)
        let again = try await load(world, "sql", 2)
        #expect(again.status == 400)
        let stale = try await load(
            world,
            "sql",
            2,
            ["load_inplace": true, "expected_generation": "0000"]
        )
        #expect(stale.status == 409)
        #expect(stale.headers["x-should-retry"] == "false")
        let replaced = try await load(
            world,
            "sql",
            2,
            ["load_inplace": true, "expected_generation": first.json["generation"] ?? .null]
        )
        #expect(replaced.status == 200)
        let generations = try await world.get("/v1/adapters/sql").json["generations"]?.array
        #expect(generations?.count == 2)
    }

    @Test("a mix carries its scales; what contradicts itself is refused")
    func mixes() async throws {
        let world = try await TestWorld()
        _ = try await load(world, "a", 1)
        _ = try await load(world, "b", 2)
        let lora: JSONValue = [["name": "a", "scale": 0.5], ["name": "b"]]
        #expect(try await ask(world, "tiny", ["lora": lora]).status == 200)
        let mix = try #require(world.generator.requests.last?.adapters)
        #expect(mix.entries.map(\.scale) == [0.5, 1])
        #expect(try await ask(world, "tiny", ["lora": []]).status == 200)
        #expect(world.generator.requests.last?.adapters.isEmpty == true)
        let refused: [(String, JSONValue, Int, String)] = [
            ("a", lora, 400, "lora"), ("a", [], 400, "lora"), ("nobody", [], 404, "model"),
            ("tiny", [["name": "a"], ["name": "a"]], 400, "lora"),
            ("tiny", [["name": "a"], ["name": "x"]], 404, "lora[1].name"),
            ("tiny", [["name": "tiny"]], 400, "lora[0].name"),
            ("tiny", [["id": 0]], 400, "lora[0].id"),
            ("tiny", [["scale": 1]], 400, "lora[0].name"),
            ("tiny", [["name": "a", "weight": 1]], 400, "lora[0].weight"),
        ]
        for (model, lora, status, param) in refused {
            let reply = try await ask(world, model, ["lora": lora])
            #expect(reply.status == status, "\(lora.serialized)")
            #expect(reply.json["error"]?["param"]?.string == param, "\(lora.serialized)")
        }
    }

    @Test("an alias answers as what it stands for")
    func aliases() async throws {
        let world = try await TestWorld()
        let loaded = try await load(world, "sql", 1)
        let generation = try #require(loaded.json["generation"]?.string)
        let made = try await world.post("/v1/adapters/sql/alias", ["alias": "best"])
        #expect(made.status == 200)
        #expect(made.json["adapter"] == "sql")
        let answer = try await ask(world, "best")
        #expect(answer.headers["x-adapter-generation"] == generation)
        #expect(try await world.get("/v1/models/best").json["root"] == "sql")
        let wrong = try await world.post(
            "/v1/adapters/sql/alias",
            ["alias": "best", "weights": ["ffff": 1]]
        )
        #expect((400...404).contains(wrong.status))
        #expect(try await world.delete("/v1/models/best").status == 200)
        #expect(try await ask(world, "best").status == 404)
        #expect(try await ask(world, "sql").status == 200)
    }

    @Test("one tenant's adapters are nothing to another")
    func tenants() async throws {
        let world = try await TestWorld()
        _ = try await load(world, "sql", 1)
        #expect(try await ask(world, "sql", as: "other").status == 404)
        #expect(try await world.get("/v1/models/sql", as: "other").status == 404)
        #expect(try await world.delete("/v1/models/sql", as: "other").status == 404)
        #expect(try await world.get("/v1/models", as: "other").json["data"]?.array?.count == 1)
        #expect(try await load(world, "sql", 2, as: "other").status == 200)
        #expect(try await world.get("/v1/adapters", as: "ops").json["data"]?.array?.count == 2)
    }

    @Test("the base stays, bad names and paths are refused")
    func refused() async throws {
        let world = try await TestWorld()
        #expect(try await world.delete("/v1/models/tiny").status == 403)
        for name in ["", "tiny", "a/b", "a@b", "ft:x", "..", String(repeating: "x", count: 129)] {
            #expect(try await load(world, name, 1).status == 400, "\(name)")
        }
        for path in ["/etc", "/nowhere", "relative", world.folder + "/../x"] {
            let body: JSONValue = ["lora_name": "x", "lora_path": .string(path)]
            #expect(try await world.post("/v1/load_lora_adapter", body).status == 400, "\(path)")
        }
        let unload = try await world.post("/v1/unload_lora_adapter", ["lora_name": "none"])
        #expect(unload.status == 404)
        #expect(try await world.get("/v1/models/%2e%2e").status == 404)
    }

    @Test("adapters are merged into one that answers, within the tenant and by what it may name")
    func merging() async throws {
        let world = try await TestWorld()
        for (name, seed) in [("tone", UInt8(1)), ("terms", 2)] {
            #expect(try await load(world, name, seed).status == 200)
        }
        func merge(_ more: JSONObject, as key: String = "acme") async throws -> TestAPI.Reply {
            var body: JSONObject = ["adapters": ["tone": 0.7, "terms": 0.3], "into": "both"]
            for (key, value) in more.members { body[key] = value }
            return try await world.post("/v1/adapters/merge", .object(body), as: key)
        }
        let merged = try await merge([:])
        #expect(merged.status == 200)
        #expect(merged.json["id"] == "both")
        let generation = try #require(merged.json["generation"]?.string)
        #expect(try await ask(world, "both").headers["x-adapter-generation"] == generation)
        #expect(try await merge([:]).status == 400)
        let again = try await merge(["method": "cat", "load_inplace": true])
        #expect(again.status == 200 && again.json["generation"]?.string != generation)
        for (more, param) in [
            (["adapters": ["tone": 1]], "adapters"),
            (["adapters": ["tone": 1, "none": 1]], "adapters"),
            (["adapters": ["tone": "x", "terms": 1]], "adapters.tone"),
            (["adapters": JSONValue.null], "adapters"),
            (["method": "slerp"], "method"), (["density": 0], "density"), (["into": .null], "into"),
        ] as [(JSONObject, String)] {
            let refused = try await merge(more)
            #expect((400...404).contains(refused.status), "\(more)")
            #expect(refused.json["error"]?["param"]?.string == param, "\(refused.json)")
        }
        // Another tenant's adapters are not there.
        #expect(try await merge(["into": "mine"], as: "other").status == 404)
    }
}
