# Signatures to load engines with: as many synthetic hashes as wanted, and real ones of third parties
# (../shared/data/signatures.tar.xz).
package Poterne::Signatures;

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use File::Copy qw(copy);
use File::Find qw(find);

use Poterne::Data;
use Poterne::Tree qw(slurp);

our @EXPORT_OK = qw(write_hashes copy_real);

use constant SIZES => 5_000_000;    # the files that the hashes are said to be of have sizes below this

# N signatures into FOLDER/synthetic.hdb (MD5) and FOLDER/synthetic.hsb (SHA-256), half of each; the
# same ones each time. No file in the world is known by them.
sub write_hashes {
    my ( $folder, $n ) = @_;
    my %hash = ( hdb => \&md5_hex, hsb => \&sha256_hex );
    for my $ending ( sort keys %hash ) {
        my $path = "$folder/synthetic.$ending";
        open my $file, '>', "$path.tmp" or die "$path: $!\n";
        for my $i ( 1 .. ( $ending eq 'hdb' ? $n - int( $n / 2 ) : int( $n / 2 ) ) ) {
            printf {$file} "%s:%d:Synthetic.%s-%d\n", $hash{$ending}->("poterne $i"), 1 + $i * 7919 % SIZES, uc $ending, $i;
        }
        close $file or die "$path: $!\n";
        rename "$path.tmp", $path or die "$path: $!\n";
    }
    return;
}

# The real ones into two folders; false where they are absent. What only informs is left out (it would
# find half of all mail), and rules for variables that only their makers' own scanners have.
sub copy_real {
    my ( $clamav, $yara ) = @_;
    my $data = Poterne::Data::unpacked('signatures') // return 0;
    my $n = 0;
    find(
        {
            no_chdir => 1,
            wanted   => sub {
                my ($ending) = /\.(hdb|ndb|ldb|ign2|yara?)\z/ or return;
                return if /INFO|\/email\// || slurp($_) =~ /\bfile_type\b/;
                copy( $_, ( $ending =~ /^yar/ ? $yara : $clamav ) . '/' . ++$n . ".$ending" ) or die "$_: $!\n";
            },
        },
        $data
    );
    return $n;
}

1;
