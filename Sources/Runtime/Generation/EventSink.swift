/// Where the events of a request go.
package struct EventSink: Sendable {
    /// Takes an event.
    package let send: @Sendable (GenerationEvent) -> Void
    /// Nothing more will come.
    ///
    /// Not called where the listener left.
    package let end: @Sendable () -> Void
    /// What the request takes of the queue, until its sink goes.
    private let place: RequestPlace?

    package init(
        holding place: RequestPlace? = nil,
        send: @escaping @Sendable (GenerationEvent) -> Void,
        end: @escaping @Sendable () -> Void
    ) {
        self.place = place
        self.send = send
        self.end = end
    }
}
