#!/usr/bin/perl
# Which model of pass 2 serves: a poisoned one is refused, an administrator can insist, what newly
# learned mail shows to be worse is taken out again, and all of it while mail goes through.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);
use Poterne::Tree ();

my $to = 'jean@model.example';
my $root = tempdir( 'poterne-model-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => { bayes => { publish_delay => '1h', hold_out => 2, campaign_share => 0, day_share => 0, reporter_share => 0 } },
    domains  => {
        'model.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => [$to] }
    }
)->start;

# --- made-up mail: each class has its words, some are common ---

my %words = (
    ham    => [ map { "seminar$_" } 'aa' .. 'hz' ],
    spam   => [ map { "bargain$_" } 'aa' .. 'hz' ],
    common => [ map { "about$_" } 'aa' .. 'bz' ]
);
srand 7;

sub some_words {
    my ( $class, $n ) = @_;
    return map { $words{$class}[ rand @{ $words{$class} } ] } 1 .. $n;
}

my $serial = 0;

# A folder of $n letters.
sub write_folder {
    my ( $name, $class, $n ) = @_;
    mkdir "$root/$name";
    for ( 1 .. $n ) {
        my @text = ( some_words( $class, 30 ), some_words( common => 8 ), 'serial' . ++$serial );
        s/(.{60,}?) /$1\n/g for my $text = "@text";
        my $mark = join ' ', @text[ 0, 1 ];
        Poterne::Gateway::write_file( "$root/$name/$serial.eml", letter( $to, $mark, "$text\n" ) );
    }
    return "$root/$name";
}

sub in_service {
    my ($serving) = grep { $_->{state} eq 'in service' } $gateway->poterne_json( 'model', 'list' );
    return $serving ? $serving->{number} : 0;
}

# What the gateway makes of a letter: X-Poterne-Score's part of pass 2.
sub delivered_score {
    my ($class) = @_;
    my $mark = 'mark' . ++$serial;
    my $text = join "\n", some_words( $class, 30 );
    my $message = letter( $to, $mark, "$text\n" );
    my $result = $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message );
    return "$result->{code} $result->{text}" if $result->{code} != 250;
    my $score;
    wait_until( 20, sub { ($score) = map { /^Subject: .*\Q$mark\E/m && /bayes=([-+.\d]+)/ ? $1 : () } $gateway->maildir_messages($to) } );
    return $score // 'nothing came';
}

my ( $status, $said ) = $gateway->poterne( 'model', 'list' );
is( $status, 0, 'model list' );
like( $said, qr/no model yet/, 'before anything was learned' );

# --- the first model ---

$gateway->poterne( 'learn', '--spam', write_folder( 'spam', 'spam', 300 ) );
( $status, $said ) = $gateway->poterne( 'learn', '--ham', write_folder( 'ham', 'ham', 300 ) );
is( $status, 0, 'learn' ) or diag($said);
my $first = in_service();
cmp_ok( $first, '>=', 1, 'a model is in service' );
ok( wait_until( 20, sub { delivered_score('ham') > 1 } ), 'ham is ham' );
cmp_ok( delivered_score('spam'), '<', -1, 'spam is spam' );

# --- poison is refused ---

( $status, $said ) = $gateway->poterne( 'learn', '--spam', write_folder( 'poison', 'ham', 600 ) );
is( in_service(), $first, 'ham that is called spam: the model stays' );
my ($refused) = $gateway->poterne_json( 'model', 'list' );
is( $refused->{state}, 'refused', 'the new one is kept as refused' );
ok( length $refused->{why}, 'with its reason' ) and note( $refused->{why} );
cmp_ok( $refused->{held_out}{ham}, '>', 20, 'and how much was held out' );
like( ( $gateway->poterne( 'model', 'list' ) )[1], qr/refused.*\n +(of|it) .*held-out/, 'in words' );
cmp_ok( delivered_score('ham'), '>', 1, 'ham is still ham' );
like( $gateway->log_text, qr/model $refused->{number} is refused, model $first stays in service: /, 'the log says so' );
( $status, $said ) = $gateway->poterne( 'model', 'publish' );
is( $status, 1, 'publish: refused again' );
like( $said, qr/^refused, model $first stays/, 'in words' );
( $status, $said ) = $gateway->poterne( 'model', 'rollback', $refused->{number} );
is( $status, 2, 'what was refused can\'t be put into service' );
like( $said, qr/publish --force/, 'but by force' );

my ($diff) = $gateway->poterne_json( 'model', 'diff', $first, $refused->{number} );
cmp_ok( $diff->{tokens}{new} + $diff->{tokens}{changed}, '>', 100, 'model diff: tokens' );
cmp_ok( $diff->{messages}{ham} + $diff->{messages}{spam}, '>', 40, 'and the held-out mail' );
Poterne::Gateway::write_file( "$root/index", join '', map { "ham $_\n" } glob "$root/ham/*.eml" );
( $status, $said ) = $gateway->poterne( 'model', 'diff', '--index', "$root/index", $first, $refused->{number} );
is( $status, 1, 'model diff --index: there are differences' );
like( $said, qr/of 300 ham wrong/, 'of that mail' );

# --- by force, and what newly confirmed mail says of it ---

( $status, $said ) = $gateway->poterne( 'model', 'publish', '--force' );
is( $status, 0, 'publish --force' ) or diag($said);
my $forced = in_service();
cmp_ok( $forced, '>', $refused->{number}, 'it is in service' );
my ($noted) = $gateway->poterne_json( 'model', 'show', $forced );
ok( $noted->{forced} && $noted->{why} =~ /by an administrator, although/, 'it is noted' );
$gateway->poterne( 'learn', '--ham', write_folder( 'confirmed', 'ham', 30 ) );
is( in_service(), $first, 'newly confirmed ham that it misjudges takes it out of service' );
my ($out) = $gateway->poterne_json( 'model', 'show', $forced );
is( $out->{state}, 'rolled back', 'that is noted' );
like( $out->{why}, qr/^of \d+ confirmed messages it judged \d+ ham .* worse than model $first\b/, 'with what was seen' );
like( $gateway->log_text, qr/model $forced is taken out of service: of .*; model $first serves/, 'the log says so' );
ok( wait_until( 20, sub { delivered_score('ham') > 1 } ), 'ham is ham' );

# --- an administrator takes one out ---

$gateway->poterne( 'model', 'publish', '--force' );
$forced = in_service();
isnt( $forced, $first, 'by force once more' );
( $status, $said ) = $gateway->poterne( 'model', 'rollback' );
is( $status, 0, 'rollback' ) or diag($said);
is( in_service(), $first, 'the last good one serves again' );
is( ( $gateway->poterne_json( 'model', 'show', $forced ) )[0]{state}, 'rolled back', 'and the other is noted' );
ok( wait_until( 20, sub { delivered_score('ham') > 1 } ), 'ham is ham' );
$gateway->poterne( 'learn', '--ham', write_folder( 'little', 'ham', 4 ) );
is( in_service(), $first, 'it is not published again at once' );
like( ( $gateway->poterne( 'model', 'list' ) )[1], qr/^rolled back: nothing new goes live before 20 more/m, 'and model list says why' );

# --- taken back, it is well again ---

$gateway->poterne( 'learn', '--forget', "$root/poison" );
$gateway->poterne( 'learn', '--ham', write_folder( 'more', 'ham', 30 ) );
my $healed = in_service();
cmp_ok( $healed, '>', $forced, 'without the poison a new model goes live' )
    or diag( ( $gateway->poterne( 'model', 'list' ) )[1] );
cmp_ok( delivered_score('ham'), '>', 1, 'ham is ham' );

# --- export and import ---

( $status, $said ) = $gateway->poterne( 'model', 'export', "$root/export" );
is( $status, 0, 'export' ) or diag($said);
my ( $again, $piped ) = $gateway->poterne( 'model', 'export', '-' );
is( $piped, Poterne::Tree::slurp("$root/export"), 'export to standard output is the same' );
is( ( $gateway->poterne( 'model', 'export', "$root/export" ) )[0], 2, 'a file that is there is not written over' );

# --- a new start, and without a gateway ---

is( $gateway->stop, 0, 'the gateway stops as asked' );
( $status, $said ) = $gateway->poterne( 'model', 'rollback', $first );
is( $status, 0, 'rollback without a gateway' ) or diag($said);
is( in_service(), $first, 'it serves' );
$gateway->start;
is( in_service(), $first, 'and after a start too' );
ok( wait_until( 20, sub { delivered_score('ham') > 1 } ), 'mail goes through' );
is( $gateway->stop, 0, 'the gateway stops as asked' );
my $fresh = Poterne::Gateway->new( root => "$root/fresh", domains => $gateway->{domains} )->start;
my ($imported) = $fresh->poterne_json( 'model', 'import', "$root/export" );
cmp_ok( $imported->{tokens}, '>', 400, 'import into another gateway' );
is( ( grep { $_->{state} eq 'in service' } $fresh->poterne_json( 'model', 'list' ) ), 1, 'a model is made of it' );
is( $fresh->stop, 0, 'the gateway stops as asked' );
for my $wrong ( ['model'], [qw(model lst)], [qw(model diff 1)], [qw(model show x)], [qw(model list 3)] ) {
    is( ( $gateway->poterne(@$wrong) )[0], 2, "@$wrong" );
}
done_testing();
