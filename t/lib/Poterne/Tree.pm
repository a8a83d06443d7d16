# The project's own files, as the checks of t/lint see them.
package Poterne::Tree;

use strict;
use warnings;

use Exporter 'import';
use File::Find ();

our @EXPORT_OK = qw(tree_files slurp code_of command_there);

# Paths below the top that match. Without git (a copied tree): all but build folders, dot files and
# what ./bootstrap makes.
sub tree_files {
    my ($pattern) = @_;
    my @files = -e '.git' && command_there('git') ? split /\0/, `git ls-files -z --cached --others --exclude-standard` : ();
    @files = found_files() if !@files;
    my @wanted = sort grep { /$pattern/ && -f } @files;
    return @wanted;
}

sub found_files {
    my @files;
    my $visit = sub {
        ( my $path = $File::Find::name ) =~ s{^\./}{};
        $File::Find::prune = 1 if -d && $path =~ m{^(?:build(?:-[^/]*)?|aux|autom4te\.cache|\.[^/]+)$};
        push @files, $path if -f && $path !~ m{^(?:configure|aclocal\.m4|config\.h\.in|Makefile\.in)~?$};
    };
    File::Find::find( { wanted => $visit, no_chdir => 1 }, '.' );
    return @files;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    my $text = <$file>;
    close $file;
    return $text;
}

# C text with what is no code blanked out, line by line as it was.
sub code_of {
    my ($text) = @_;
    $text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}
              { defined $1 ? $1 =~ tr/\n//cdr : '""' }gsex;
    return $text;
}

sub command_there {
    my ($name) = @_;
    return grep { -x "$_/$name" } split /:/, "$ENV{PATH}:/usr/sbin:/sbin";
}

1;
