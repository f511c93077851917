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
        let file = try SafetensorsFile(
            path: fixture.folder + "/adapters/\(name)/adapter_model.safetensors"
        )
        let expected = try SafetensorsFile(path: fixture.folder + "/gradients-\(name).safetensors")
        let prompt = try fixture.expectation(name)[1].prompt
        let configuration = try fixture.adapter(name).configuration
        let training = try TrainingFixture(fixture, configuration, rows: 64, logitRows: 8)
        try forEachTensor(training.parameters.layout) { key, range, columns in
            let values = try fixture.floats(file, key.replacing(".weight.weight", with: ".weight"))
            write(values, columns, to: training.parameters[range])
        }
        let batch = training.batch([prompt])
        let targets = training.targets([prompt], from: 9, weight: 1 / Float(prompt.count - 9))
        try training.forward(batch)
        let scores = try training.backward(targets)
        let loss = scores.reduce(0) { $0 - $1.logProbability } / Float(scores.count)
        #expect(abs(loss - (try fixture.floats(expected, "loss")[0])) < 1e-5)
        try forEachTensor(training.parameters.layout) { key, range, columns in
            let name = key.hasSuffix("vector") ? key + ".weight" : key
            var found = [Float](repeating: 0, count: range.count)
            read(training.gradients.tensors[range], columns, into: &found)
            let wanted = try fixture.floats(expected, name)
            let size = wanted.reduce(0) { max($0, abs($1)) }
            #expect(size > 0)
            #expect(greatestDifference(found, wanted) <= 1e-5 * size, "\(name)")
        }
    }

    @Test("gradients equal finite differences of the loss", arguments: ["llama-gqa", "qwen2"])
    func againstDifferences(_ model: String) throws {
        let fixture = try ModelFixture(model)
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

    @Test("dropout is felt, and its gradients are those of its forward pass")
    func dropout() throws {
        let fixture = try ModelFixture("llama-gqa")
        var configuration = LoRAConfiguration()
        configuration.targets = .names(["v_proj", "down_proj"])
        let training = try TrainingFixture(fixture, configuration, rows: 32, logitRows: 32)
        training.randomize(seed: 3)
        let prompts: [[Int32]] = [[5, 9, 33, 71, 2, 44, 18]]
        let batch = training.batch(prompts)
        let targets = training.targets(prompts, from: 1, weight: 1)
        let without = try training.loss(batch, targets)
        training.tape.dropout = LoRADropout(probability: 0.5, seed: 11)
        let with = try training.loss(batch, targets)
        #expect(abs(without - with) > 1e-3)
        #expect(try training.loss(batch, targets) == with)
        try training.backward(targets)
        let index = training.parameters.layout.entries[0].bTransposed.lowerBound
        let value = training.parameters.values[index]
        training.parameters.values[index] = value + 1e-2
        let above = try training.loss(batch, targets)
        training.parameters.values[index] = value - 1e-2
        let below = try training.loss(batch, targets)
        let gradient = Double(training.gradients.tensors.values[index])
        #expect(abs((above - below) / 2e-2 - gradient) < 2e-3 + 1e-2 * abs(gradient))
    }

    /// Calls `body` with PEFT's name of every tensor, its place, and its columns where it is
    /// stored transposed here.
    private func forEachTensor(
        _ layout: LoRALayout,
        _ body: (String, Range<Int>, Int?) throws -> Void
    ) rethrows {
        for entry in layout.entries {
            let path = "base_model.model." + entry.module.name
            try body(path + ".lora_A.weight", entry.a, nil)
            try body(path + ".lora_B.weight", entry.bTransposed, entry.rank)
            if let magnitude = entry.magnitude {
                try body(path + ".lora_magnitude_vector", magnitude, nil)
            }
        }
    }

    private func write(
        _ values: [Float],
        _ columns: Int?,
        to target: UnsafeMutableBufferPointer<Float>
    ) {
        for (index, value) in values.enumerated() {
            target[place(index, columns, values.count)] = value
        }
    }

    private func read(
        _ source: UnsafeMutableBufferPointer<Float>,
        _ columns: Int?,
        into values: inout [Float]
    ) {
        for index in values.indices { values[index] = source[place(index, columns, values.count)] }
    }

    /// Where element `index` of a row-major matrix lies in its transpose.
    private func place(_ index: Int, _ columns: Int?, _ count: Int) -> Int {
        guard let columns else { return index }
        return index % columns * (count / columns) + index / columns
    }
}
