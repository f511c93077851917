/// What a run's numbers can be shown by, beside its own log.
public enum TrackerKind: String, Sendable, Hashable, CaseIterable {
    /// Event files in the output folder.
    case tensorboard
    /// Weights & Biases, by its HTTP API.
    case wandb
    /// MLflow's tracking server, by its HTTP API.
    case mlflow
}

extension TrainConfigurationFields {
    /// `report_to`: a word, words with commas, or a list.
    func trackers() throws(TrainConfigurationError) -> [TrackerKind] {
        let words = try list("report_to").map { $0.lowercased() }.filter { !$0.isEmpty }
        var kinds: [TrackerKind] = []
        // transformers reports to whatever is installed; here nothing is, and files are always there.
        for word in words.map({ $0 == "all" ? "tensorboard" : $0 }) where word != "none" {
            guard let kind = TrackerKind(rawValue: word) else {
                let known = TrackerKind.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
                throw TrainConfigurationError(
                    "report_to",
                    "'report_to' names '\(word)', to which facet does not report; it knows \(known), "
                        + "'all' and 'none'."
                )
            }
            if !kinds.contains(kind) { kinds.append(kind) }
        }
        return kinds
    }

    /// `run_name`, noted where nobody hears of it.
    mutating func runName() throws(TrainConfigurationError) -> String? {
        guard let name = try string("run_name"), !name.isEmpty else { return nil }
        if try trackers().isEmpty { note("run_name", "has no effect without 'report_to'") }
        return name
    }
}
