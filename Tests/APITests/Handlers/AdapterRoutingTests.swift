import InferenceRuntime
import Testing

@testable import API

@Suite("What routers learn of adapters")
struct AdapterRoutingTests {
    @Test("an answer names who gave it, and an idle server lists what it has in memory")
    func routing() async throws {
        let world = try await TestWorld()
        let path = try world.writeAdapter(1)
        let loaded = try await world.post(
            "/v1/load_lora_adapter",
            ["lora_name": "sql", "lora_path": .string(path)],
            as: "ops"
        )
        #expect(loaded.status == 200)
        for model in [TestAPI.baseID, "sql"] {
            let reply = try await world.post(
                "/v1/completions",
                ["model": .string(model), "prompt": "hi", "max_tokens": 1],
                as: "ops"
            )
            #expect(reply.headers["x-facet-adapter"] == model)
            #expect(reply.headers["x-facet-resident"] == "hit")
        }
        let alias = try await world.post("/v1/adapters/sql/alias", ["alias": "stable"], as: "ops")
        #expect(alias.status == 200)
        let text = try await world.get("/metrics", as: "ops").text
        // An adapter takes 1000 bytes here, and all together may take 1 MiB.
        let info =
            #"vllm:lora_requests_info{max_lora="1048",running_lora_adapters="sql,stable",waiting_lora_adapters=""}"#
        #expect(text.contains(info))
        for name in ["usage_perc", "prefix_cache_hit_rate", "prefix_cache_hits_total"] {
            let older = name.hasPrefix("prefix") ? "vllm:gpu_" + name : "vllm:gpu_cache_" + name
            #expect(text.contains(older + #"{model_name="tiny"}"#), "\(older)")
        }
    }
}
