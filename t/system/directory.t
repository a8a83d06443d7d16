#!/usr/bin/perl
# Recipients: known, alias, unknown, not ours; a changed list without a restart, a list with a
# mistake (the old one serves on), a list that is gone, a directory process that dies.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);

my $root = tempdir( 'poterne-directory-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my @list = ( 'jean.toto@dir.example', 'jtoto@dir.example: jean.toto@dir.example' );
my $gateway = Poterne::Gateway->new(
    root    => $root,
    domains => { 'dir.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => \@list } }
)->start;

# The answer to RCPT
sub answer {
    my ($address) = @_;
    my $smtp = $gateway->smtp;
    $smtp->hello;
    $smtp->command('MAIL FROM:<a@remote.example>');
    my ( $code, $text ) = $smtp->command("RCPT TO:<$address>");
    $smtp->quit;
    return "$code $text";
}

like( answer('jean.toto@dir.example'), qr/^250 2\.1\.5/, 'an address' );
like( answer('Jean.TOTO@DIR.example'), qr/^250 2\.1\.5/, 'without case' );
like( answer('jtoto@dir.example'), qr/^250 2\.1\.5/, 'an alias' );
like( answer('nobody@dir.example'), qr/^550 5\.1\.1/, 'an unknown one' );
like( answer('jean.toto@elsewhere.example'), qr/^550 5\.7\.1/, 'not ours' );

$gateway->write_recipients( 'dir.example', @list, 'new@dir.example' );
ok( wait_until( 15, sub { answer('new@dir.example') =~ /^250/ } ), 'a new address is known without a restart' );

my $from = length $gateway->log_text;
$gateway->write_recipients( 'dir.example', @list, 'newer@dir.example', 'this is no address' );
ok( $gateway->wait_for_log( qr/recipients-dir\.example:4/, $from, 15 ), 'a mistake is named with its line' );
like( answer('new@dir.example'), qr/^250/, 'the old list serves on' );
unlike( answer('newer@dir.example'), qr/^250/, 'the wrong one is not taken up' );

unlink "$root/recipients-dir.example";
sleep 3;
like( answer('new@dir.example'), qr/^250/, 'a list that is gone serves on' );
unlike( answer('nobody@dir.example'), qr/^250/, 'and knows nobody else' );
$gateway->write_recipients( 'dir.example', @list, 'newer@dir.example' );
ok( wait_until( 15, sub { answer('newer@dir.example') =~ /^250/ } ), 'it comes back' );
ok( wait_until( 15, sub { answer('new@dir.example') =~ /^550 5\.1\.1/ } ), 'who is no longer in it is unknown' );

# Never 550 for want of an answer.
is( $gateway->signal_role( 'STOP', 'directory' ), 1, 'the directory is stopped' );
like( answer('jean.toto@dir.example'), qr/^(?:451 4\.3\.0|250)/, 'a directory that hangs: 451' );
$from = length $gateway->log_text;
$gateway->signal_role( 'KILL', 'directory' );
ok( $gateway->wait_for_log( qr/ready: every process/, $from, 30 ), 'one that died is replaced' );
ok( wait_until( 10, sub { answer('jean.toto@dir.example') =~ /^250/ } ), 'and answers' );

# The mailbox gets it under the name it was sent to.
my $message = letter('jtoto@dir.example');
is( $gateway->send_one( from => 'a@remote.example', to => ['jtoto@dir.example'], data => \$message )->{code}, 250, 'taken' );
ok( wait_until( 10, sub { $gateway->maildir_messages('jtoto@dir.example') } ), 'an alias is delivered under its own name' );
my $told = sub {
    my ($story) = $gateway->poterne_json( 'trace', 'jtoto@dir.example' );
    return ( $story->{recipients}[0]{how} // '' ) =~ /alias of jean\.toto\@dir\.example/;
};
ok( wait_until( 10, $told ), 'and the journal says whose it is' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
