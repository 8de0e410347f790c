"""Images of coloured, textured shapes: what differs between the classes, what changes from image to image, drawing."""
