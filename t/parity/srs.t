#!/usr/bin/perl
# Addresses of sender/srs.c and those of Mail::SRS: each reads what the other has made, and both
# write the same.
use strict;
use warnings;
use Test::More;
use File::Temp;

my $ours = ( $ENV{POTERNE_BUILD} // 'build' ) . '/t/parity/srs_addresses';
plan skip_all => "$ours is not built" if !-x $ours;
plan skip_all => 'libmail-srs-perl is not installed' if !eval { require Mail::SRS; 1 };
my $srs  = Mail::SRS->new(
    Secret     => 'k' x 32,
    HashLength => 6,
    HashMin    => 6,
    MaxAge     => 21,
    Separator  => '='
);

# Mail::SRS warns of folded hashes, which are tried on purpose.
local $SIG{__WARN__} = sub { };

sub ask {
    my @lines = @_;
    my $file = File::Temp->new;
    print $file map { "$_\n" } @lines;
    close $file;
    my $path = $file->filename;
    my @said = map { chomp; $_ } qx{$ours <$path};
    return @said;
}

my @senders = (
    'jean@a.example',
    'Jean.TOTO+list@Sub.A.Example',
    'bounce=1=2@a.example',
    'a-b_c!x@a.example',
    'SRS0=HHHH=AB=first.example=jean@second.example',
    'SRS0+HHHH=AB=first.example=jean@second.example',
    'srs0-HHHH=AB=first.example=jean@second.example',
    'SRS1=GGGG=first.example==HHHH=AB=o.example=j@second.example',
);

my @made = ask( map { "forward $_ b.example" } @senders );
my @theirs;
for my $i ( 0 .. $#senders ) {
    push @theirs, $srs->forward( $senders[$i], 'b.example' );
    is( $made[$i], $theirs[$i], "the same address of $senders[$i]" );
}
my @back = ask( map { "back $_" } @theirs );
for my $i ( 0 .. $#senders ) {
    is( $back[$i], $srs->reverse( $made[$i] ), "the way back of $made[$i]" );
}
my @folded = ask( map { 'back ' . lc } @theirs );
for my $i ( 0 .. $#senders ) {
    is( $folded[$i], $srs->reverse( lc $made[$i] ), "likewise in lower case: $folded[$i]" );
}
my ($forged) = ask('back SRS0=AAAAAA=AB=a.example=jean@b.example');
is( $forged, 'forged', 'a forged one is one to both' );
ok( !eval { $srs->reverse('SRS0=AAAAAA=AB=a.example=jean@b.example'); 1 }, '... of them' );

done_testing;
