/// Where the events of a request go.
package struct EventSink: Sendable {
    /// Takes an event.
    package let send: @Sendable (GenerationEvent) -> Void
    /// Nothing more will come.
    ///
    /// Not called where the listener left.
    package let end: @Sendable () -> Void

    package init(
        send: @escaping @Sendable (GenerationEvent) -> Void,
        end: @escaping @Sendable () -> Void
    ) {
        self.send = send
        self.end = end
    }
}
