/// The adapters that a run begins with.
extension TrainConfigurationFields {
    /// The one adapter to go on from.
    func adapter() throws(TrainConfigurationError) -> String? {
        let names = try list("adapter_name_or_path")
        guard names.count < 2 else {
            throw TrainConfigurationError(
                "adapter_name_or_path",
                "'adapter_name_or_path' names \(names.count) adapters, but a run goes on from one."
            )
        }
        guard let name = names.first, let folder = try string("adapter_folder"), !folder.isEmpty,
            !name.hasPrefix("/")
        else { return names.first }
        return "\(folder)/\(name)"
    }

    /// The adapter that is the reference in place of the base.
    mutating func referenceAdapter(
        _ stage: TrainConfiguration.Stage
    ) throws(TrainConfigurationError) -> String? {
        let names = try list("ref_model_adapters")
        guard let name = names.first else { return nil }
        guard stage.method.comparesAnswers else {
            note("ref_model_adapters", "has no effect with 'stage' '\(stage.rawValue)'")
            return nil
        }
        guard names.count == 1 else {
            throw TrainConfigurationError(
                "ref_model_adapters",
                "'ref_model_adapters' names \(names.count) adapters, but the reference is one."
            )
        }
        return name
    }
}
