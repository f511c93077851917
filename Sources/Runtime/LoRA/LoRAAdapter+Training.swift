import Synchronization

extension LoRAAdapter {
    /// An adapter over parameters that a trainer changes between steps; nothing is copied.
    ///
    /// Its id is its own: never that of another adapter, whatever the parameters become.
    public convenience init(
        trainable parameters: LoRATensors,
        configuration: LoRAConfiguration,
        for architecture: Architecture
    ) {
        self.init(
            id: AdapterID("training-\(Self.nextTraining.add(1, ordering: .relaxed).newValue)"),
            configuration: configuration,
            pairs: Self.pairs(parameters, architecture, isTrainable: true),
            scoreHead: Self.scoreHead(parameters),
            bytes: parameters.values.count * 4,
            memory: parameters
        )
    }

    /// An immutable copy of an adapter in training, named by its content.
    public static func snapshot(
        of parameters: LoRATensors,
        configuration: LoRAConfiguration,
        for architecture: Architecture
    ) -> LoRAAdapter {
        let copy = LoRATensors(parameters.layout)
        copy.values.baseAddress.update(
            from: parameters.values.baseAddress,
            count: parameters.values.count
        )
        var hash = SHA256()
        hash.update(configuration.json.serialized)
        hash.update(copy.values.bytes)
        return LoRAAdapter(
            id: AdapterID(Hex.text(hash.finalize())),
            configuration: configuration,
            pairs: pairs(copy, architecture, isTrainable: false),
            scoreHead: scoreHead(copy),
            bytes: copy.values.count * 4,
            memory: copy
        )
    }

    private static let nextTraining = Atomic<Int>(0)

    private static func scoreHead(_ tensors: LoRATensors) -> ScoreHead? {
        let values = tensors.values.baseAddress
        return tensors.layout.scoreHead.map { entry in
            ScoreHead(
                inputs: entry.weight.count,
                weight: UnsafePointer(values + entry.weight.lowerBound),
                bias: UnsafePointer(values + entry.bias.lowerBound)
            )
        }
    }

    private static func pairs(
        _ tensors: LoRATensors,
        _ architecture: Architecture,
        isTrainable: Bool
    ) -> [LoRAPair?] {
        var pairs: [LoRAPair?] = Array(repeating: nil, count: architecture.headSlot + 1)
        let values = tensors.values.baseAddress
        for entry in tensors.layout.entries {
            pairs[entry.module.slot] = LoRAPair(
                module: entry.module,
                rank: entry.rank,
                a: UnsafeRawPointer(values + entry.a.lowerBound),
                bTransposed: UnsafeRawPointer(values + entry.bTransposed.lowerBound),
                format: .f32,
                scale: entry.scale,
                dora: entry.magnitude.map {
                    DoRA(
                        magnitude: DoRAMagnitude(
                            values: UnsafePointer(values + $0.lowerBound)
                        ),
                        isTrainable: isTrainable
                    )
                },
                loraBias: nil,
                bias: nil
            )
        }
        return pairs
    }
}
