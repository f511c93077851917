import InferenceRuntime
import Testing

/// The explicit backward pass against PEFT's autograd and against finite differences.
@Suite("The backward pass computes the gradients of the forward pass")
struct GradientTests {
    @Test(
        "gradients of every pair equal those of PEFT and autograd",
        arguments: ["everything", "dora"]
    )
    func againstAutograd(_ name: String) throws {
        let fixture = try ModelFixture("llama-gqa")
        #expect(try AutogradComparison(fixture, name, first: 9).worst <= 1e-5)
    }

    @Test(
        "gradients equal finite differences of the loss",
        arguments: [
            ("llama-gqa", BaseDType.nf4), ("qwen2", .nf4), ("llama-gqa", .int8), ("qwen2", .bf16),
        ]
    )
    func againstDifferences(_ model: String, base: BaseDType) throws {
        let fixture = try ModelFixture(folder: ModelFixture.root + "/" + model, base: base)
        var configuration = LoRAConfiguration()
        configuration.rank = 2
        configuration.targets = .allLinear
        let training = try TrainingFixture(fixture, configuration, rows: 64, logitRows: 16)
        training.randomize(seed: 5)
        let prompts: [[Int32]] = [[5, 9, 33, 71, 2, 44, 18], [7, 8, 90, 3, 61]]
        let batch = training.batch(prompts)
        let targets = training.targets(prompts, from: 1, weight: 0.25)
        try training.forward(batch)
        try training.backward(targets)
        for entry in training.parameters.layout.entries {
            for index in [entry.a.lowerBound + 3, entry.bTransposed.lowerBound + 5] {
                let value = training.parameters.values[index]
                let step: Float = 2e-3
                training.parameters.values[index] = value + step
                let above = try training.loss(batch, targets)
                training.parameters.values[index] = value - step
                let below = try training.loss(batch, targets)
                training.parameters.values[index] = value
                let difference = (above - below) / Double(2 * step)
                let gradient = Double(training.gradients.tensors.values[index])
                #expect(
                    abs(difference - gradient) < 2e-3 + 1e-2 * abs(gradient),
                    "\(entry.module.name) \(index): \(difference) \(gradient)"
                )
            }
        }
    }

    @Test("packed sequences give the gradients of the sequences one by one")
    func packing() throws {
        let fixture = try ModelFixture("llama-gqa")
        var configuration = LoRAConfiguration()
        configuration.targets = .allLinear
        let prompts: [[Int32]] = [[5, 9, 33, 71, 2], Array(3..<40), [7, 8, 90]]
        let packed = try TrainingFixture(fixture, configuration, rows: 64, logitRows: 7)
        packed.randomize(seed: 9)
        try packed.forward(packed.batch(prompts))
        try packed.backward(packed.targets(prompts, from: 1, weight: 1))
        let single = try TrainingFixture(fixture, configuration, rows: 64, logitRows: 64)
        single.randomize(seed: 9)
        for prompt in prompts {
            try single.forward(single.batch([prompt]))
            try single.backward(single.targets([prompt], from: 1, weight: 1))
        }
        let found = Array(packed.gradients.tensors.values.elements)
        let wanted = Array(single.gradients.tensors.values.elements)
        let size = wanted.reduce(0) { max($0, abs($1)) }
        #expect(greatestDifference(found, wanted) <= 1e-6 * size)
    }

    @Test(
        "dropout is felt, and its gradients are those of its forward pass",
        arguments: [false, true]
    )
    func dropout(withDoRA: Bool) throws {
        let fixture = try ModelFixture("llama-gqa")
        var configuration = LoRAConfiguration()
        configuration.usesDoRA = withDoRA
        configuration.targets = .names(["v_proj", "down_proj"])
        var training = try TrainingFixture(fixture, configuration, rows: 32, logitRows: 32)
        training.randomize(seed: 3)
        let prompts: [[Int32]] = [[5, 9, 33, 71, 2, 44, 18]]
        let batch = training.batch(prompts)
        let targets = training.targets(prompts, from: 1, weight: 1)
        let without = try training.loss(batch, targets)
        training.options.dropout = LoRADropout(probability: 0.5, seed: 11)
        let with = try training.loss(batch, targets)
        #expect(abs(without - with) > 1e-3)
        #expect(try training.loss(batch, targets) == with)
        try training.backward(targets)
        let entry = training.parameters.layout.entries[0]
        // DoRA holds the norm constant in A and B, so differences of those would not agree.
        let places = entry.magnitude.map { [$0] } ?? [entry.a, entry.bTransposed]
        for index in places.map(\.lowerBound) {
            let value = training.parameters.values[index]
            training.parameters.values[index] = value + 1e-2
            let above = try training.loss(batch, targets)
            training.parameters.values[index] = value - 1e-2
            let below = try training.loss(batch, targets)
            training.parameters.values[index] = value
            let gradient = Double(training.gradients.tensors.values[index])
            #expect(abs((above - below) / 2e-2 - gradient) < 2e-3 + 1e-2 * abs(gradient))
        }
    }

    @Test("DoRA that has not learned yet is the base, whatever dropout takes away")
    func freshDoRA() throws {
        let fixture = try ModelFixture("llama-gqa")
        var configuration = LoRAConfiguration()
        configuration.usesDoRA = true
        configuration.targets = .allLinear
        var training = try TrainingFixture(fixture, configuration, rows: 32, logitRows: 32)
        let prompts: [[Int32]] = [[5, 9, 33, 71, 2, 44, 18]]
        let (batch, targets) = (
            training.batch(prompts), training.targets(prompts, from: 1, weight: 1)
        )
        training.randomize(seed: 4)
        for entry in training.parameters.layout.entries {
            training.parameters[entry.bTransposed].update(repeating: 0)
            let norms = fixture.model.rowNorms(of: entry.module, fixture.context)
            for (index, norm) in zip(entry.magnitude ?? 0..<0, norms) {
                training.parameters.values[index] = norm
            }
        }
        let without = try training.loss(batch, targets)
        training.options.dropout = LoRADropout(probability: 0.5, seed: 11)
        #expect(abs(try training.loss(batch, targets) - without) < 1e-4)
    }
}
