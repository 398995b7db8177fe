int some_library = 1;
