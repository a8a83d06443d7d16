#!/usr/bin/perl
# SIGHUP under load: new settings are taken up without one refused message, wrong ones are refused
# with file and line and change nothing.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Load;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);

my $to = 'jean@reload.example';
my $root = tempdir( 'poterne-reload-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
mkdir "$root/rules";
Poterne::Gateway::write_file( "$root/rules/one.cf", "body WORD_SALAMANDER /salamander/\nscore WORD_SALAMANDER 9\n" );
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => { spam => { rules => qq({ "$root/rules" }), subject_tag => '"[ONE] "' } },
    domains  => {
        'reload.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] }
    }
)->start;

my $serial = 0;

# The Subject that a message with this word arrives with.
sub subject_of {
    my ($word) = @_;
    my $mark = 'mark-' . ++$serial;
    my $message = letter( $to, $mark, "A word: $word.\n" );
    my $result = $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message );
    return "$result->{code} $result->{text}" if $result->{code} != 250;
    my $subject;
    wait_until( 20,
        sub { ($subject) = map { /^Subject: (.*\Q$mark\E)\r?$/m ? $1 : () } $gateway->maildir_messages($to) } );
    return $subject // 'nothing came';
}

like( subject_of('salamander'), qr/^\[ONE\] mark/, 'the first settings' );

my $load = Poterne::Load->start( port => $gateway->{port}, to => $to, sessions => 6 );
for my $tag (qw(TWO THREE FOUR)) {
    $gateway->{settings}{spam}{subject_tag} = qq("[$tag] ");
    $gateway->write_conf;
    ok( $gateway->reload, "reload to $tag" );
}
my $answers = $load->stop;
my @refused = grep { $answers->{$_}[0] != 250 && $answers->{$_}[0] != 421 } keys %$answers;
cmp_ok( scalar keys %$answers, '>', 50, 'mail went on meanwhile' );
is( scalar @refused, 0, 'and none was refused' ) or diag( map { "@{ $answers->{$_} }\n" } @refused );
like( subject_of('salamander'), qr/^\[FOUR\] mark/, 'the last settings serve' );

Poterne::Gateway::write_file( "$root/rules/two.cf", "body WORD_NEWT /newt/\nscore WORD_NEWT 9\n" );
ok( $gateway->reload, 'reload for the rules' );
like( subject_of('newt'), qr/^\[FOUR\] mark/, 'a new rule is taken up' );

# Settings with a mistake.
my $good = $gateway->conf_text;
my $from = length $gateway->log_text;
$gateway->write_conf( "$good\nsmtp { size_limit = huge }\n" );
ok( !$gateway->reload, 'wrong settings are refused' );
my $line = ( $good =~ tr/\n// ) + 2;
like( substr( $gateway->log_text, $from ), qr/poterne\.conf:$line: .*size/, 'with file and line' );
like( subject_of('newt'), qr/^\[FOUR\] mark/, 'and the old ones serve on' );
my ( $status, $said ) = $gateway->poterne( 'config', 'check' );
is( $status, 2, 'poterne config check says so too' );
like( $said, qr/poterne\.conf:$line: /, 'with file and line' );
$gateway->write_conf;
ok( $gateway->reload, 'mended, they are taken up' );
like( subject_of('newt'), qr/^\[FOUR\] mark/, 'and serve' );

ok( $gateway->wait_for_empty_queue, 'the queue gets empty' );
is( $gateway->stop, 0, 'the gateway stops as asked' );

# And no start with them.
$gateway->write_conf( "$good\nsmtp { size_limit = huge }\n" );
ok( !eval { $gateway->start; 1 }, 'wrong settings: no start' );
like( $@, qr/poterne\.conf:$line: /, 'and file and line are named' );
done_testing();
