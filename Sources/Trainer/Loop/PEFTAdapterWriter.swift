import InferenceRuntime

/// Writes trained parameters as PEFT reads them: `adapter_config.json` and
/// `adapter_model.safetensors`, fp32, with PEFT's names (`peft/utils/save_and_load.py`); a score head
/// beside them as LLaMA-Factory does, in `value_head.safetensors`.
package struct PEFTAdapterWriter {
    /// What the base is called in the configuration.
    let base: String
    let state: TrainingState

    /// Writes the files into a folder that is there, and syncs it.
    func write(to folder: String) throws(FileSystemError) {
        try DurableFile.write(
            configuration.serializedBytes,
            to: folder + "/adapter_config.json"
        )
        var file = SafetensorsWriter<FileSystemError>()
        for entry in state.layout.entries { append(entry, to: &file) }
        try DurableFile.write(to: folder + "/adapter_model.safetensors") {
            output throws(FileSystemError) in
            try file.write(to: output)
        }
        if let head = state.layout.scoreHead { try write(head, to: folder) }
    }

    private func write(
        _ head: LoRALayout.ScoreHeadEntry,
        to folder: String
    ) throws(FileSystemError) {
        var file = SafetensorsWriter<FileSystemError>()
        let parts = [
            (ScoreHeadFile.weight, [1, head.weight.count], head.weight),
            (ScoreHeadFile.bias, [1], head.bias),
        ]
        for (name, shape, range) in parts {
            file.append(.init(name: name, type: .f32, shape: shape)) {
                Array(UnsafeRawBufferPointer(state.parameters[range]))
            }
        }
        try DurableFile.write(to: "\(folder)/\(ScoreHeadFile.name)") {
            output throws(FileSystemError) in
            try file.write(to: output)
        }
    }

    private func append(
        _ entry: LoRALayout.Entry,
        to file: inout SafetensorsWriter<FileSystemError>
    ) {
        let prefix = "base_model.model.\(entry.module.name)."
        let (inputs, outputs, rank) = (entry.module.inputs, entry.module.outputs, entry.rank)
        let parameters = state.parameters
        func append(_ name: String, _ shape: [Int], _ values: @escaping () -> [Float]) {
            file.append(.init(name: prefix + name, type: .f32, shape: shape)) {
                values().withUnsafeBytes { Array($0) }
            }
        }
        append("lora_A.weight", [rank, inputs]) { Array(parameters[entry.a]) }
        append("lora_B.weight", [outputs, rank]) {
            Self.transposed(parameters[entry.bTransposed], rows: rank, columns: outputs)
        }
        if let magnitude = entry.magnitude {
            append("lora_magnitude_vector", [outputs]) { Array(parameters[magnitude]) }
        }
    }

    private static func transposed(
        _ values: UnsafeMutableBufferPointer<Float>,
        rows: Int,
        columns: Int
    ) -> [Float] {
        var result = [Float](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for column in 0..<columns {
                result[column * rows + row] = values[row * columns + column]
            }
        }
        return result
    }

    /// PEFT's fields; `all-linear` is spelled out, so that the file says what is in it.
    private var configuration: JSONValue {
        var configuration = state.configuration
        if configuration.targets == .allLinear {
            let names = state.layout.entries.compactMap { entry in
                entry.module.name.split(separator: ".").last.map(String.init)
            }
            configuration.targets = .names(Set(names).sorted())
        }
        configuration.baseModel = base
        return configuration.json
    }
}
