import InferenceRuntime

/// The gradients of an adapter against what PEFT and autograd recorded.
struct AutogradComparison {
    /// The greatest difference of a tensor relative to the tensor's greatest number.
    private(set) var worst: Float = 0

    init(_ fixture: ModelFixture, _ name: String, first: Int) throws {
        let folder = fixture.folder
        let adapter = try SafetensorsFile(
            path: folder + "/adapters/\(name)/adapter_model.safetensors"
        )
        let expected = try SafetensorsFile(path: folder + "/gradients-\(name).safetensors")
        let prompt = try fixture.expectation(name)[1].prompt
        let configuration = try fixture.adapter(name).configuration
        let training = try TrainingFixture(
            fixture,
            configuration,
            rows: prompt.count,
            logitRows: 8
        )
        try forEachTensor(training.parameters.layout) { key, range, columns in
            write(try fixture.floats(adapter, key), columns, to: training.parameters[range])
        }
        let weight = 1 / Float(prompt.count - first)
        let targets = training.targets([prompt], from: first, weight: weight)
        try training.forward(training.batch([prompt]))
        let scores = try training.backward(targets)
        let loss = scores.reduce(0) { $0 - $1.logProbability } * weight
        worst = try abs(loss - fixture.floats(expected, "loss")[0])
        try forEachTensor(training.parameters.layout) { key, range, columns in
            let wanted = try fixture.floats(expected, key.hasSuffix("r") ? key + ".weight" : key)
            let found = read(training.gradients.tensors[range], columns)
            let size = wanted.reduce(0) { max($0, abs($1)) }
            worst = max(worst, greatestDifference(found, wanted) / max(size, 1e-6))
        }
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
        _ columns: Int?
    ) -> [Float] {
        source.indices.map { source[place($0, columns, source.count)] }
    }

    /// Where element `index` of a row-major matrix lies in its transpose.
    private func place(_ index: Int, _ columns: Int?, _ count: Int) -> Int {
        guard let columns else { return index }
        return index % columns * (count / columns) + index / columns
    }
}
