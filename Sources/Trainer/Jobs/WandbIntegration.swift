public import InferenceRuntime

/// A job's wish to be shown in Weights & Biases, as OpenAI's API has it.
public struct WandbIntegration: Sendable, Hashable {
    /// The project.
    public var project: String
    /// What the run is shown as; `nil`: as the job's model.
    public var name: String?
    /// The user or team; `nil`: that of the server's key.
    public var entity: String?
    /// Words the run is found by.
    public var tags: [String]

    /// A wish to be shown.
    public init(project: String, name: String?, entity: String?, tags: [String]) {
        (self.project, self.name, self.entity, self.tags) = (project, name, entity, tags)
    }

    /// The object of the API, by which the store keeps it too.
    public var json: JSONValue {
        [
            "type": "wandb",
            "wandb": [
                "project": .string(project), "name": name.map(JSONValue.string) ?? .null,
                "entity": entity.map(JSONValue.string) ?? .null,
                "tags": .array(tags.map(JSONValue.string)),
            ],
        ]
    }

    /// Reads back what `json` wrote.
    init?(stored json: JSONValue) {
        guard let object = json["wandb"], let project = object["project"]?.string else {
            return nil
        }
        self.init(
            project: project,
            name: object["name"]?.string,
            entity: object["entity"]?.string,
            tags: object["tags"]?.array?.compactMap(\.string) ?? []
        )
    }
}
