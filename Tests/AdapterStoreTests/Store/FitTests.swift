import InferenceRuntime
import Testing
import TestSupport

@testable import AdapterStore

/// The store with the runtime's own reader: what does not fit is refused by name.
@Suite struct FitTests {
    private func publish(
        _ configure: (inout LoRAConfiguration) -> Void
    ) async throws -> AdapterGeneration {
        let fixture = try StoreFixture()
        try fixture.reopen(
            base: AdapterBase(
                name: "demo",
                hash: "h",
                architecture: try BaseFixture.architecture()
            )
        )
        let path = try PEFTFixture.write(to: fixture.folder("a"), seed: 1, configure: configure)
        let generation = try await fixture.store.publish(
            AdapterPublication(name: "a", path: path, replacing: .never),
            for: .program
        )
        try fixture.reopen(
            base: AdapterBase(
                name: "demo",
                hash: "h",
                architecture: try BaseFixture.architecture()
            )
        )
        let lease = try await fixture.store.lease(generation)
        #expect(lease.adapter.id.hex == generation.hash)
        #expect(lease.adapter.modules.count == 4)
        #expect(generation.residentBytes == lease.adapter.bytes)
        return generation
    }

    private func refusal(
        _ configure: (inout LoRAConfiguration) -> Void
    ) async throws -> String {
        do {
            _ = try await publish(configure)
            return "accepted"
        } catch AdapterStoreError.unfit(name: "a", let reason) {
            return reason
        }
    }

    @Test("what fits is loaded with all its modules")
    func fits() async throws {
        _ = try await publish { _ in }
    }

    @Test("other ranks, modules the base lacks, tensors without a target: never silently the base")
    func unfit() async throws {
        #expect(try await refusal { $0.rank = 8 }.contains("lora_A"))
        #expect(
            try await refusal { $0.targets = .names(["query_key_value"]) }
                .contains("query_key_value")
        )
        #expect(try await refusal { $0.targets = .names(["q_proj"]) }.contains("k_proj"))
        #expect(
            try await refusal { $0.targets = .names(["q_proj", "k_proj", "v_proj"]) }
                .contains("v_proj")
        )
        #expect(try await refusal { $0.layers = [0] }.contains("layers.1"))
        #expect(try await refusal { $0.usesDoRA = true }.contains("magnitude"))
    }
}
