"""hardtack beside other libraries, a module for each; one whose library is missing says what to install."""
