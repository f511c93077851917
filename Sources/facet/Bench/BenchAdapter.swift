import Foundation
import InferenceRuntime

/// A random adapter over all linear layers, in PEFT's files: 25 MB for 1.1 billion weights.
struct BenchAdapter {
    static let rank = 16

    /// Everything of it lies below; removed by whoever made it.
    let folder: String

    /// Writes it into a new temporary folder.
    init(for architecture: Architecture) throws {
        folder =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("facet-bench-\(UUID().uuidString)").path
        try DurableFile.makeFolder(path)
        try DurableFile.write(
            Self.configuration.json.serializedBytes,
            to: path + "/adapter_config.json"
        )
        var file = Weights()
        for module in architecture.linearModules {
            let prefix = "base_model.model.\(module.name)."
            append(prefix + "lora_A.weight", [Self.rank, module.inputs], to: &file)
            append(prefix + "lora_B.weight", [module.outputs, Self.rank], to: &file)
        }
        try DurableFile.write(to: path + "/adapter_model.safetensors") {
            output throws(FileSystemError) in
            try file.write(to: output)
        }
    }

    /// The PEFT folder.
    var path: String { folder + "/adapter" }

    /// Takes it off the disk.
    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// Adapters that are different to the engine, each with weights of its own in memory.
    func load(_ count: Int, for architecture: Architecture) throws -> [LoRAAdapter] {
        try (0..<count).map { index in
            try LoRAAdapter(folder: path, for: architecture, id: AdapterID("bench-\(index)"))
        }
    }

    /// Rank 16, alpha 32, all linear layers: the trainer's measure too.
    static var configuration: LoRAConfiguration {
        var configuration = LoRAConfiguration()
        configuration.rank = rank
        configuration.alpha = 32
        configuration.targets = .allLinear
        return configuration
    }

    private typealias Weights = SafetensorsWriter<FileSystemError>

    private func append(_ name: String, _ shape: [Int], to file: inout Weights) {
        let count = shape.reduce(1, *)
        file.append(.init(name: name, type: .f16, shape: shape)) {
            var random = SystemRandomNumberGenerator()
            let words = (0..<(count + 3) / 4).map { _ in
                // Four numbers of fp16: any sign and mantissa, an exponent of 2⁻⁶.
                random.next() & 0x83FF_83FF_83FF_83FF | 0x2400_2400_2400_2400
            }
            return words.withUnsafeBytes { Array($0.prefix(2 * count)) }
        }
    }
}
