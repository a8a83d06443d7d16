#!/usr/bin/perl
# What the gateway tells its rules beside the message: signatures that it checked, what pass 2 says; and
# which of a rule's four scores counts then. By `poterne check`, which runs the same pipeline.
use strict;
use warnings;

use Digest::SHA qw(sha256);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);

my $build = $ENV{POTERNE_BUILD} // 'build';
plan skip_all => "$build/poterne is not built" if !-x "$build/poterne";
plan skip_all => 'openssl is not installed' if system('openssl version >/dev/null 2>&1') != 0;
my $root = tempdir( 'poterne-facts-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $to = 'jean@univ.example';

sub put {
    my ( $name, $text ) = @_;
    Poterne::Gateway::write_file( "$root/$name", $text );
    return "$root/$name";
}

my $rules = put( 'rules.cf', <<'END' );
full   SIGNED     eval:check_dkim_signed()
full   VALID      eval:check_dkim_valid()
full   AUTHOR     eval:check_dkim_valid_author_sig()
meta   INVALID    SIGNED && !VALID
tflags SIGNED     net
tflags VALID      net
tflags AUTHOR     net
body   BAYES_ALL  eval:check_bayes(0, undef)
body   BAYES_MOST eval:check_bayes(0.95, undef)
tflags BAYES_ALL  learn
tflags BAYES_MOST learn
score  BAYES_ALL  0 0 3 4
score  BAYES_MOST 0 0 3 4
meta   SITE       BAYES_MOST && __WATCHES
body   __WATCHES  /watches/
score  SITE       0.25
body   FOUR       /\S/
score  FOUR       0.5 0.6 0.7 0.8
END

# { rule => score } and the whole verdict
sub looked_at {
    my ( $gateway, $path ) = @_;
    my ($object) = $gateway->poterne_json( 'check', '--no-antivirus', $path );
    return ( { map { $_->{name} => $_->{score} } @{ $object->{rules} } }, $object );
}

sub gateway {
    my (%more) = @_;
    return Poterne::Gateway->new(
        root     => $root,
        domains  => { 'univ.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } },
        settings => { spam => { rules => qq({ "$rules" }) }, %more }
    );
}

# --- signatures ---

sub command {
    my ( $command, $input ) = @_;
    put( 'input', $input // '' );
    my $said = `$command <$root/input`;
    die "$command failed\n" if $?;
    return $said;
}

# The letter as its author's domain would sign it, simple/simple (RFC 6376 3.4).
sub signed {
    my ( $text, $domain, $key ) = @_;
    $text =~ s/\r?\n/\r\n/g;
    my ( $head, $body ) = split /(?<=\r\n)\r\n/, $text, 2;
    my ($from) = $head =~ /^(From:[^\r]*\r\n)/m;
    my $field = "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=$domain; s=one; h=From; bh="
        . encode_base64( sha256($body), '' ) . '; b=';
    return $field . encode_base64( command( "openssl dgst -sha256 -sign $key", "$from$field" ), '' ) . "\r\n$text";
}

my $key = "$root/key.pem";
command("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $key 2>/dev/null");
my $public = encode_base64( command("openssl pkey -in $key -pubout -outform DER"), '' );
my $keys = put( 'keys', "one._domainkey.shop.example TXT v=DKIM1; k=rsa; p=$public\n" );
my $letter = letter( $to, 'Offer', "all is well\n" ) =~ s/^From:.*/From: x\@shop.example/mr;
my $good = put( 'good.eml',    signed( $letter, 'shop.example', $key ) );
my $bad  = put( 'bad.eml',     signed( $letter, 'shop.example', $key ) =~ s/all is well/all is lost/r );
my $none = put( 'none.eml',    signed( $letter, 'elsewhere.example', $key ) );
my $bare = put( 'unsigned.eml', $letter );

my $gateway = gateway( sender => { keys => qq("$keys") } );
my ($found) = looked_at( $gateway, $good );
is_deeply( [ sort keys %$found ], [qw(AUTHOR FOUR SIGNED VALID)], 'a good signature of the author' );
is( $found->{FOUR}, 0.6, 'the score set is the one with network' );
($found) = looked_at( $gateway, $bad );
is_deeply( [ sort keys %$found ], [qw(FOUR INVALID SIGNED)], 'one that does not fit the message' );
($found) = looked_at( $gateway, $none );
is_deeply( [ sort keys %$found ], [qw(FOUR INVALID SIGNED)], 'one whose key is not there' );
($found) = looked_at( $gateway, $bare );
is_deeply( [ sort keys %$found ], ['FOUR'], 'none' );

$gateway = gateway();
($found) = looked_at( $gateway, $good );
is_deeply( $found, { FOUR => 0.5 }, 'nobody looks at signatures: neither do rules, and the set is the local one' );

# --- pass 2 ---

# Mail as alike as this is one campaign, of which 50 are learned unless a site says otherwise.
$gateway = gateway( bayes => { campaign_share => 100, hold_out => 0 } );
make_path("$root/state/bayes"); # poterned's work, which does not run here

sub learn {
    my ( $class, $from, $to ) = @_;
    mkdir "$root/$class";
    my $what = $class eq 'spam' ? 'cheap watches for you' : 'minutes of our meeting';
    put( "$class/$_.eml", letter( 'jean@univ.example', "$what $_", "$what number $_\n" ) ) for $from .. $to;
    my ( $status, $said ) = $gateway->poterne( 'learn', "--$class", "$root/$class" );
    is( $status, 0, "$class is learned" ) or diag($said);
    return;
}

my $offer = put( 'offer.eml', letter( $to, 'cheap watches', "cheap watches for you\n" ) );
my $verdict;
learn( 'spam', 1, 205 );
learn( 'ham',  1, 150 );
( $found, $verdict ) = looked_at( $gateway, $offer );
ok( $verdict->{bayes}{used} && $verdict->{score}{bayes} < 0, 'pass 2 takes part with what it has' );
is_deeply( $found, { FOUR => 0.5 }, 'rules hear of it only when it is trained' );
learn( 'ham', 151, 205 );
( $found, $verdict ) = looked_at( $gateway, $offer );
is_deeply( $found, { FOUR => 0.7, BAYES_ALL => 0, BAYES_MOST => 0, SITE => 0.25 },
    'then they hit, and score only what a site makes of them, in the set with Bayes' );
cmp_ok( abs( $verdict->{score}{heuristics} - ( 5 - 0.95 ) ), '<', 1e-9, 'pass 2 is not in the score of pass 1' );
( $found, $verdict ) = looked_at( $gateway, put( 'meeting.eml', letter( $to, 'minutes', "minutes of our meeting\n" ) ) );
is_deeply( $found, { FOUR => 0.7, BAYES_ALL => 0 }, 'what looks right is not said to be spam' );
my ($listed) = $gateway->poterne_json( 'rules', 'list', 'FOUR' );
is( $listed->{score}, 0.7, '`poterne rules` takes the gateway\'s score set' );

done_testing();
