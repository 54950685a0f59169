"""What Durable Functions and App Service do, as pure functions and types: no Pulumi, no network, no files."""
