import InferenceRuntime
import Testing

/// Training lets requests be answered between two pieces of a product.
@Suite("A pass in pieces")
struct PieceTests {
    @Test(
        "loss and gradients have the same bits in pieces of any size, with dropout and DoRA too",
        arguments: [ComputeDType.fp32, .int8],
        [false, true]
    )
    func sameBits(_ compute: ComputeDType, withDoRA: Bool) throws {
        let fixture = try ModelFixture("llama-gqa", compute: compute)
        let whole = try bits(fixture, withDoRA: withDoRA, products: 1 << 28)
        let pieces = try bits(fixture, withDoRA: withDoRA, products: 300 * 64 * 32)
        let smallest = try bits(fixture, withDoRA: withDoRA, products: 1)
        #expect(whole.bits.contains { $0 != 0 })
        #expect(pieces.bits == whole.bits)
        #expect(smallest.bits == whole.bits)
        #expect(whole.yields < pieces.yields)
        #expect(pieces.yields < smallest.yields)
    }

    private func bits(
        _ fixture: ModelFixture,
        withDoRA: Bool,
        products: Int
    ) throws -> (bits: [UInt32], yields: Int) {
        var configuration = LoRAConfiguration()
        configuration.usesDoRA = withDoRA
        configuration.targets = .allLinear
        var training = try TrainingFixture(fixture, configuration, rows: 300, logitRows: 32)
        training.randomize(seed: 5)
        training.options.dropout = LoRADropout(probability: 0.25, seed: 3)
        training.options.productsPerPiece = products
        var yields = 0
        training.yield = { yields += 1 }
        let prompts: [[Int32]] = (0..<6).map { prompt in (0..<50).map { ($0 * 7 + prompt) % 90 } }
        try training.forward(training.batch(prompts))
        let scores = try training.backward(training.targets(prompts, from: 1, weight: 1))
        let gradients = training.gradients.tensors.values.elements.map(\.bitPattern)
        return (gradients + scores.map(\.logProbability.bitPattern), yields)
    }
}
