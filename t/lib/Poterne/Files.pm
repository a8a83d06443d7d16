# Files that a test writes for the servers that it starts.
package Poterne::Files;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(write_file);

# Beside, then renamed: whoever looks at it meanwhile sees the old text or the new.
sub write_file {
    my ( $path, $text ) = @_;
    open my $file, '>', "$path.new" or die "$path.new: $!\n";
    print {$file} $text;
    close $file or die "$path.new: $!\n";
    rename "$path.new", $path or die "$path: $!\n";
    return;
}

1;
