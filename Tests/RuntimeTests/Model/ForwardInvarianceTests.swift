import Testing

@testable import InferenceRuntime

/// Nothing but a sequence's own tokens and adapters decides its bits.
@Suite("A sequence's logits do not depend on its company")
struct ForwardInvarianceTests {
    static let modes: [ComputeDType] = [.fp32, .bf16, .int8]

    @Test("chunks of any size give the same bits", arguments: modes)
    func chunking(_ compute: ComputeDType) throws {
        let fixture = try ModelFixture("llama-gqa", compute: compute)
        let prompt = try fixture.expectation("base")[2].prompt
        let mix = AdapterMix([.init(adapter: try fixture.adapter("everything"), scale: 0.7)])
        let whole = try fixture.logits(prompt, adapters: mix, chunk: 64, tape: nil)
        for chunk in [1, 3, 16, 17] {
            #expect(try fixture.logits(prompt, adapters: mix, chunk: chunk, tape: nil) == whole)
        }
    }

    @Test("a batch mixing the base and adapters equals each sequence alone", arguments: modes)
    func mixing(_ compute: ComputeDType) throws {
        let fixture = try ModelFixture("llama-gqa", compute: compute)
        let names = ["", "attention", "everything", "dora", "upper", "vocabulary", "everything"]
        let mixes = try names.map { name in
            try name.isEmpty
                ? AdapterMix() : AdapterMix([.init(adapter: fixture.adapter(name), scale: 1.3)])
        }
        let prompts = names.indices.map { index in
            (0..<(3 + 5 * index)).map { Int32(3 + ($0 * 7 + index * 13) % 90) }
        }
        let rows = prompts.reduce(0) { $0 + $1.count }
        let workspace = fixture.model.makeWorkspace(maxRows: rows, maxLogitRows: rows)
        let cache = fixture.model.makeCache(blocks: 32)
        var batch = Batch()
        var block: Int32 = 31
        for (prompt, mix) in zip(prompts, mixes) {
            let count = Int32((prompt.count + 15) / 16)
            batch.append(
                tokens: prompt,
                firstPosition: 0,
                maxLength: 128,
                blockTable: (0..<count).map { block - $0 },
                adapters: mix,
                logits: .all
            )
            block -= count
        }
        try fixture.model.forward(
            batch,
            cache: cache,
            workspace: workspace,
            tape: nil,
            fixture.context,
            yield: nil
        )
        var row = 0
        for (index, prompt) in prompts.enumerated() {
            let alone = try fixture.logits(
                prompt,
                adapters: mixes[index],
                chunk: prompt.count,
                tape: nil
            )
            for expected in alone {
                #expect(Array(workspace.logits(row: row)) == expected, "\(names[index])")
                row += 1
            }
        }
    }

    @Test("training's forward gives serving's bits", arguments: modes)
    func trainingIsServing(_ compute: ComputeDType) throws {
        let fixture = try ModelFixture("qwen2", compute: compute)
        let mix = AdapterMix([.init(adapter: try fixture.adapter("biased"), scale: 1)])
        let prompt = try fixture.expectation("base")[2].prompt
        let serving = try fixture.logits(prompt, adapters: mix, chunk: 7, tape: nil)
        let tape = fixture.model.makeTape(maxRows: 64)
        let training = try fixture.logits(prompt, adapters: mix, chunk: 64, tape: tape)
        #expect(training == serving)
    }

    @Test("an adapter in training answers like its snapshot, bit for bit")
    func snapshot() throws {
        let fixture = try ModelFixture("llama-gqa")
        var configuration = LoRAConfiguration()
        configuration.targets = .allLinear
        let training = try TrainingFixture(fixture, configuration, rows: 32, logitRows: 32)
        training.randomize(seed: 21)
        let prompt: [Int32] = [4, 9, 77, 23, 55, 6]
        let live = AdapterMix([.init(adapter: training.adapter, scale: 1)])
        let copy = LoRAAdapter.snapshot(
            of: training.parameters,
            configuration: configuration,
            for: fixture.model.architecture
        )
        let kept = AdapterMix([.init(adapter: copy, scale: 1)])
        let before = try fixture.logits(prompt, adapters: live, chunk: 6, tape: nil)
        #expect(try fixture.logits(prompt, adapters: kept, chunk: 6, tape: nil) == before)
        training.randomize(seed: 22)
        #expect(try fixture.logits(prompt, adapters: kept, chunk: 6, tape: nil) == before)
        #expect(try fixture.logits(prompt, adapters: live, chunk: 6, tape: nil) != before)
    }

    @Test("passes and gradients leave the base's bytes as they were")
    func baseIsUntouched() throws {
        let fixture = try ModelFixture("llama-tied")
        let before = fixture.model.baseHash
        var configuration = LoRAConfiguration()
        configuration.targets = .allLinear
        let training = try TrainingFixture(fixture, configuration, rows: 32, logitRows: 32)
        training.randomize(seed: 1)
        let prompts: [[Int32]] = [[4, 9, 77, 23, 55, 6]]
        try training.forward(training.batch(prompts))
        try training.backward(training.targets(prompts, from: 1, weight: 1))
        #expect(fixture.model.weights.hash() == before)
    }
}
