"""Tables and plots, from result documents only: nothing here runs the simulator or looks at a specification."""
