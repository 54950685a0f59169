"""The process that runs one function app for one site or slot, as a language worker does on App Service."""
